"""The one kind of error that a user is meant to read."""


class Problem(Exception):  # noqa: N818 - it is raised for bad data and bad parameters, not for bugs
    """A fact that names the file, row or parameter at fault, and what to do about it.

    Stages catch it once, print it in at most ten lines and exit with 1; any other exception is a bug
    and keeps its traceback.
    """

    def __init__(self, fact: str, remedy: str) -> None:
        super().__init__(fact, remedy)  # both, so that it crosses process boundaries
        self.fact = fact
        self.remedy = remedy

    def __str__(self) -> str:
        lines = f"{self.fact}\n  remedy: {self.remedy}".splitlines()
        if len(lines) > 9:
            lines = [*lines[:7], f"  ... and {len(lines) - 8} more lines", lines[-1]]
        return "\n".join(line if len(line) <= 400 else line[:397] + "..." for line in lines)
