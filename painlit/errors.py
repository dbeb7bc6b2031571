"""Errors a user can act on: what was wrong, where, and what to do."""


class PainlitError(Exception):
    """Bad input or a missing step. Commands print it without a traceback and exit with status 2.

    Args:
        what: What was wrong and where: the file, row or key.
        remedy: What to do about it.
    """

    def __init__(self, what: str, remedy: str = ""):
        super().__init__(f"{what}\n  -> {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple:  # worker processes hand errors to their parent
        return type(self), (self.what, self.remedy)


class ClipError(PainlitError):
    """One clip cannot be used. It is reported under its name, and the others go on."""
