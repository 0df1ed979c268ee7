"""The one way to refuse input: say where, what, what is allowed and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One refused value. `row` is the line of the file as an editor shows it (the header is line 1)."""

    file: str
    problem: str
    fix: str
    row: int | str | None = None
    column: str | None = None
    value: str | None = None
    allowed: str | None = None

    def __str__(self) -> str:
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column '{self.column}'")
        text = ", ".join(place) + f": {self.problem}"
        if self.value is not None:
            text += f" (found {self.value!r})"
        if self.allowed is not None:
            text += f". Allowed: {self.allowed}"
        return f"{text}. Fix: {self.fix}"


class BadInput(ValueError):
    """Input that cannot be used. Carries every problem found, not only the first."""

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        shown = [str(p) for p in self.problems[:20]]
        if len(self.problems) > 20:
            shown.append(f"... and {len(self.problems) - 20} more of this kind")
        super().__init__("\n".join(shown))


def nearest(word: str, allowed: Iterable[str], n: int = 3) -> str:
    """The allowed words most like `word`, as a phrase for an error message ('' when none is near)."""
    close = get_close_matches(word.casefold(), sorted(allowed), n=n, cutoff=0.5)
    return f"did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
