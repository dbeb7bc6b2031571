"""Errors a user can act on: what was wrong, where, and what to do."""

from collections.abc import Iterable

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

    @property
    def one_line(self) -> str:
        """What was wrong and what to do, as an entry of a list."""
        return f"{self.what}; {self.remedy}" if self.remedy else self.what

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


def some(items: Iterable[str], most: int = 5, between: str = ", ") -> str:
    """The first of many things that a message names, and how many more there are.

    >>> some("abc", most=2), some("abc", 2, "; "), some("ab", most=2)
    ('a, b and 1 more', 'a; b; and 1 more', 'a, b')
    """
    items = list(items)
    more = f"{between.strip(', ')} and {len(items) - most:,} more" if len(items) > most else ""
    return between.join(items[:most]) + more


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text) - _LONGEST} characters more)"
