"""What a process does that runs several commands of a page, one after the other, each as `python -m` runs it.

It reads a JSON list of commands, each a list of a module and its arguments, and writes a list of what they print.
"""

import contextlib
import io
import json
import runpy
import sys


def run(module, *arguments):
    """What a module prints that is run as the main one; raises SystemExit where it ends with another code than 0."""
    sys.argv = [module, *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as exit:
            if exit.code:
                raise
    return printed.getvalue()


if __name__ == "__main__":
    json.dump([run(*command) for command in json.load(sys.stdin)], sys.stdout)
