"""Formulas written as plain text, as on the pages of docs/theory, turned into MathML, which browsers draw themselves.

The text is read token by token. `a b` is a product, `a / b` a fraction whose numerator is the product before it, `x^2`
a power, `x_i` an index, `sum_{i != j}` a sum, `||x||` a norm, `<x, y>` an inner product, `[[a, b], [c, d]]` a matrix,
`E[x | y = 1]` a mean. What is not known is shown as it stands.
"""

import re
from html import escape

GREEK = {
    name: chr(code)
    for names, start in (
        ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho", 0x3B1),
        ("sigma tau upsilon phi chi psi omega", 0x3C3),
        ("Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho", 0x391),
        ("Sigma Tau Upsilon Phi Chi Psi Omega", 0x3A3),
    )
    for code, name in enumerate(names.split(), start)
} | {"eps": "ε", "oo": "∞"}
_SIGNS = {
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "->": "→",
    "+-": "±",
    "-": "−",
    "*": "·",
    "||": "‖",
    "...": "…",
    "'": "′",
    "<": "&lt;",
    ">": "&gt;",
}
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_RELATIONS = {"=", "<=", ">=", "!=", "->", "<", ">", "~", ":"}
_SPACE, _GAP = '<mspace width="0.2em"/>', '<mspace width="1.6em"/>'
_PRIME = "'"
_TOKEN = re.compile(
    r"(?P<gap>  +)|(?P<space> )"
    r"|(?P<derivative>d/d[A-Za-z]\w*)"
    r"|(?P<number>\d+(?:[.,]\d+)*|\.\d+)"
    r"|(?P<word>[A-Za-z]{3,}(?:-[A-Za-z]{3,})+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9]*[~']*(?:_(?:[A-Za-z0-9]+'*(?:,[A-Za-z]'*)?(?!\\w)|[A-Za-z0-9]+'*|[+-](?!\\w)))*(?:\\*(?![\\w(]))?)"
    r"|(?P<sign><=|>=|!=|->|\+-|\|\||\.\.\.|[^\s\w]|_)"
)


class Unreadable(ValueError):
    """The text is no formula that can be shown: a bracket is not closed, say."""


def math(text: str, display: bool = False) -> str:
    """A formula as a `math` element.

    Args:
        text: the formula, on one line.
        display: as in a line of its own, with large fractions.

    Raises:
        Unreadable: its brackets do not match, or it holds what is no token.
    """
    reader = _Reader(text)
    content = reader.row("")
    if reader.token() != ("", ""):
        raise Unreadable(text)
    kind = ' displaystyle="true"' if display else ""
    return f'<math{kind} alttext="{escape(text)}">{content}</math>'


def _row(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _enclosed(left: str, inner: str, right: str) -> str:
    """In brackets, which grow around what is tall, and only there."""
    tall = re.search("<m(frac|under|table|sqrt|subsup><mo>)", inner)
    grows = {} if tall else {"stretchy": "false"}
    return f"<mrow>{_sign(left, **grows)}{inner}{_sign(right, **grows)}</mrow>"


def _bare(parts: list[str]) -> str:
    """A product as a numerator: a single bracket around all of it is left out."""
    if len(parts) == 1 and (inner := re.fullmatch(r"<mrow><mo[^>]*>\(</mo>(.*)<mo[^>]*>\)</mo></mrow>", parts[0])):
        return inner[1]
    return _row(parts)


def _sign(sign: str, **attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<mo{written}>{_SIGNS.get(sign, escape(sign))}</mo>"


def symbol(name: str) -> str:
    """A name: a letter, Greek or not, with its index, or a word."""
    base, *indices = name.rstrip("*").split("_")
    shown = _letter(base.rstrip("'~"))
    if "~" in base:
        shown = f'<mover>{shown}<mo stretchy="false">~</mo></mover>'
    below = _SPACE.join(map(_index, indices))
    above = f"<mo>{'′' * base.count(_PRIME)}{'*' if name.endswith('*') else ''}</mo>"
    above = "" if above == "<mo></mo>" else above
    if below and above:
        return f"<msubsup>{shown}<mrow>{below}</mrow>{above}</msubsup>"
    if below:
        return f"<msub>{shown}<mrow>{below}</mrow></msub>"
    return f"<msup>{shown}{above}</msup>" if above else shown


def _letter(name: str) -> str:
    if name == "inf":
        return "<mi>∞</mi>"
    if name in GREEK:
        upright = ' mathvariant="normal"' if name[0].isupper() else ""
        return f"<mi{upright}>{GREEK[name]}</mi>"
    found = re.fullmatch(r"([A-Za-z])(bar)", name)
    if found:
        return f'<mover><mi>{found[1]}</mi><mo stretchy="true">¯</mo></mover>'
    return f"<mi>{name}</mi>"


def _index(name: str) -> str:
    if "," in name or not name[0].isalnum():
        return "<mo>,</mo>".join(map(_index, name.split(","))) if "," in name else f"<mo>{name}</mo>"
    if name.endswith(_PRIME):
        return f"<msup>{_index(name.rstrip(_PRIME))}<mo>′</mo></msup>"
    if name.isdigit():
        return f"<mn>{name}</mn>"
    if name in GREEK:
        return _letter(name)
    if len(name) == 2 and name.isalpha() and name.islower():  # s_ij
        return f"<mrow>{''.join(f'<mi>{letter}</mi>' for letter in name)}</mrow>"
    return f"<mi>{name}</mi>"


class _Reader:
    """Reads tokens from left to right, and brackets by recursion."""

    def __init__(self, text: str):
        self.text, self.tokens, self.place = text, [], 0
        end = 0
        while end < len(text):
            found = _TOKEN.match(text, end)
            if not found:
                raise Unreadable(text)
            self.tokens.append((found.lastgroup or "", found.group()))
            end = found.end()

    def token(self, ahead: int = 0) -> tuple[str, str]:
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else ("", "")

    def row(self, end: str) -> str:
        """What stands up to a closing bracket, or to the end."""
        done: list[str] = []  # up to the last sign
        product: list[str] = []  # from there on
        while True:
            kind, token = self.token()
            if not kind or token == end:
                break
            if token in (")", "]", "}"):
                raise Unreadable(self.text)
            if kind in ("gap", "space"):
                self.place += 1
                after_sign = not product and done[-1:] == [_sign("=")]
                if kind == "gap" and (product or done) and not after_sign and self.token()[1] != "=":
                    done += [*product, _GAP]
                    product = []
                elif product and (
                    self.token()[0] in ("name", "word", "number", "derivative") or self.token()[1] in ("[", "(")
                ):
                    product.append(_SPACE)
            elif token == "/":
                self.place += 1
                self.skip()
                if product and product[-1] == _SPACE:
                    product.pop()
                product = [f"<mfrac>{_bare(product)}{self.powered(bare=True)}</mfrac>"]
            elif kind == "sign" and token not in _BRACKETS and token != "||" and not self.opens_inner(token):
                self.place += 1
                unary = not product and (not done or done[-1].startswith("<mo"))
                form = {"form": "prefix"} if unary and token in "+-" else {}
                done += [*product, _sign(token, **form)]
                product = []
            else:
                product.append(self.powered())
        return _row(done + product)

    def skip(self) -> None:
        while self.token()[0] in ("space", "gap"):
            self.place += 1

    def opens_inner(self, token: str) -> bool:
        """Whether `<` opens an inner product: a comma follows before the `>` that closes it."""
        if token != "<":
            return False
        rest = "".join(text for _, text in self.tokens[self.place + 1 :])
        return re.match(r"[^<>|= ][^<>=]*,[^<>=]*>", rest) is not None

    def powered(self, bare: bool = False) -> str:
        """An atom with its powers; `bare` leaves out brackets around all of it, since a bar stands for them."""
        start = self.place
        base = self.atom()
        if bare and self.tokens[start][0] == "name" and self.token()[1] == "(":  # a / f(x)
            base = _row([base, self.atom()])
        if self.token()[1] == "_" and self.token(1)[1] == "{":
            self.place += 1
            base = f"<munder>{base}{self.atom(bare=True)}</munder>"
        elif self.token()[1] == "_":  # of a norm: ||x||_F^2
            self.place += 1
            index = self.atom()
            if self.token()[1] != "^":
                return f"<msub>{base}{index}</msub>"
            self.place += 1
            return f"<msubsup>{base}{index}{self.exponent()}</msubsup>"
        if self.token()[1] != "^":
            if bare and self.tokens[start][1] == "(":
                self.place = start
                return self.atom(bare=True)
            return base
        self.place += 1
        exponent = self.exponent()
        below = re.fullmatch(r"<msub>(.*)</msub>", base, re.S)
        if below and base.count("<msub>") == 1:
            return f"<msubsup>{below[1]}{exponent}</msubsup>"
        return f"<msup>{base}{exponent}</msup>"

    def exponent(self) -> str:
        if self.token()[1] in ("-", "+"):
            sign = _sign(self.token()[1])
            self.place += 1
            return f"<mrow>{sign}{self.atom()}</mrow>"
        if self.token()[0] == "name" and self.token(1)[1] == "(":  # e^s(x, y)
            return _row([self.atom(), self.atom()])
        return self.atom(bare=True)

    def atom(self, bare: bool = False) -> str:
        kind, token = self.token()
        self.place += 1
        if kind == "number":
            return f"<mn>{token}</mn>"
        if kind == "derivative":
            return f"<mfrac><mi>d</mi><mrow><mi>d</mi>{symbol(token[3:])}</mrow></mfrac>"
        if kind == "word":
            return f"<mtext>{token}</mtext>"
        if kind == "name":
            return self.named(token)
        if token in _BRACKETS:
            inner = self.matrix() if token == "[" and self.token()[1] == "[" else self.row(_BRACKETS[token])
            self.close(_BRACKETS[token])
            if bare:
                return inner
            return _enclosed(token, inner, _BRACKETS[token])
        if token == "||":
            inner = self.row("||")
            self.close("||")
            return f"<mrow><mo>‖</mo>{inner}<mo>‖</mo></mrow>"
        if token == "<":
            inner = self.row(">")
            self.close(">")
            return f"<mrow><mo>⟨</mo>{inner}<mo>⟩</mo></mrow>"
        raise Unreadable(self.text)

    def close(self, bracket: str) -> None:
        if self.token()[1] != bracket:
            raise Unreadable(self.text)
        self.place += 1

    def named(self, name: str) -> str:
        opened = self.token()[1] == "("
        if name == "sqrt" and opened:
            return f"<msqrt>{self.atom(bare=True)}</msqrt>"
        if name == "integral" and opened:
            parts = self.arguments()
            if len(parts) == 4:
                value, variable, start, end = parts
                return f"<mrow><msubsup><mo>∫</mo>{start}{end}</msubsup>{value}{_SPACE}<mi>d</mi>{variable}</mrow>"
        if name == "at" and opened:
            parts = self.arguments()
            if len(parts) == 3:
                value, variable, place = parts
                return f"<msub><mrow>{value}<mo>|</mo></mrow><mrow>{variable}<mo>=</mo>{place}</mrow></msub>"
        if name.startswith("int_"):
            return f"<msub><mo>∫</mo>{_index(name[4:])}</msub>"
        following = self.token()[1] if self.token()[1] != " " else self.token(1)[1]
        if name.split("_")[0] == "sum" and following not in (
            "",
            ")",
            ",",
            "/",
            "=",
            "+",
            "-",
        ):  # else a quantity named so
            sign = '<mo largeop="true" movablelimits="false">∑</mo>'
            index = name.partition("_")[2]
            if self.token()[1] == "_" and self.token(1)[1] == "{":
                self.place += 1
                return f"<munder>{sign}{self.atom(bare=True)}</munder>"
            return f"<munder>{sign}{_index(index)}</munder>" if index else sign
        return symbol(name)

    def arguments(self) -> list[str]:
        """What stands in brackets, separated by commas."""
        self.place += 1
        parts = []
        while True:
            self.skip()
            parts.append(self.until_comma(")"))
            if self.token()[1] == ")":
                self.place += 1
                return parts
            self.place += 1

    def until_comma(self, end: str) -> str:
        depth, place = 0, self.place
        while place < len(self.tokens):
            token = self.tokens[place][1]
            if depth == 0 and token in (",", end):
                break
            depth += (token in _BRACKETS) - (token in _BRACKETS.values())
            place += 1
        else:
            raise Unreadable(self.text)
        part = _Reader("".join(token for _, token in self.tokens[self.place : place]).strip())
        self.place = place
        return _row([part.row("")])

    def matrix(self) -> str:
        """The rows of a matrix, after its first bracket."""
        rows = []
        while self.token()[1] == "[":
            self.place += 1
            cells = []
            while True:
                self.skip()
                cells.append(self.until_comma("]"))
                self.place += 1
                if self.tokens[self.place - 1][1] == "]":
                    break
            rows.append("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in cells) + "</mtr>")
            while self.token()[1] == "," or self.token()[0] in ("space", "gap"):
                self.place += 1
        return f"<mtable>{''.join(rows)}</mtable>"
