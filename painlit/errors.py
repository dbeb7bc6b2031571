"""Errors a user can act on: what was wrong, where, and what to do."""

_LONGEST = 2000
"""Characters of a message; damaged files may put a megabyte into one."""


class PainlitError(Exception):
    """Bad input or a missing step. Commands print it without a traceback and exit with status 2.

    Args:
        what: What was wrong and where: the file, row or key.
        remedy: What to do about it.
    """

    def __init__(self, what: str, remedy: str = ""):
        what, remedy = _shortened(what), _shortened(remedy)
        super().__init__(f"{what}\n  -> {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple:  # worker processes hand errors to their parent
        return type(self), (self.what, self.remedy)


class ArgumentError(PainlitError, ValueError):
    """An argument of a function that is impossible."""


class TerminatedError(BaseException):
    """SIGTERM or SIGHUP has reached this process; it is no error of the work, and nothing but the command catches it.

    Args:
        signal: Its number.
    """

    def __init__(self, signal: int):
        super().__init__(signal)
        self.signal = signal


class ClipError(PainlitError):
    """One clip cannot be used. It is reported under its name, and the others go on."""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text) - _LONGEST} characters more)"
