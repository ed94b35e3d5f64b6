"""JSON pointers: the address of a value within a result file."""

from typing import Any


def join(pointer: str, *keys: str | int) -> str:
    """The pointer to what stands under the keys, one within the other, of the value that a pointer leads to."""
    return pointer + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def resolve(document: Any, pointer: str) -> Any:
    """The value that a pointer leads to (RFC 6901).

    Raises:
        LookupError: it leads nowhere.
    """
    if not pointer:
        return document
    start, *tokens = pointer.split("/")
    if start:
        raise LookupError(pointer)
    for token in (token.replace("~1", "/").replace("~0", "~") for token in tokens):
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and token.isdecimal() and int(token) < len(document):
            document = document[int(token)]
        else:
            raise LookupError(pointer)
    return document
