"""The one kind of error that a user is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """An error of data or parameters: a fact that names the file, row or key, and a remedy.

    The command of a stage prints it in at most ten lines and exits with 1. Any other exception is
    a bug and keeps its traceback.
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
