"""Errors that the user can correct; a program prints them in one line."""


class InputError(ValueError):
    """Wrong input: the message names the option or file, what was given and what is allowed. Exit code 2."""


class ParameterError(InputError):
    """A parameter outside its domain.

    Attributes:
        name: the parameter, as the code spells it; its option is `--` and the name with dashes.
        requirement: what is allowed and what was given, as the end of a sentence.
    """

    def __init__(self, name: str, allowed: str, given: object):
        self.name = name
        self.requirement = f"must be {allowed}, got {given}"
        super().__init__(f"{name} {self.requirement}")


class RunError(RuntimeError):
    """A run that fails although its input is right, such as a training that diverges. Exit code 1."""


class LostProcessError(RunError):
    """Another process of the run has ended, so this one must exit without waiting for it. Exit code 1."""
