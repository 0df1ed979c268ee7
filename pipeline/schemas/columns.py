"""What a table and its columns are declared with."""

from __future__ import annotations

from dataclasses import dataclass

TEXT, NUMBER, INTEGER, FLAG = "text", "number", "integer", "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """`required` columns may not have empty cells. `ge`/`gt`/`le` bound numbers; `allowed` closes a vocabulary."""

    kind: str
    meaning: str
    required: bool = False
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    key: tuple[str, ...]
    columns: dict[str, Column]


def text(meaning: str, required: bool = False, allowed: tuple[str, ...] | None = None) -> Column:
    return Column(TEXT, meaning, required, allowed=allowed)


def number(
    meaning: str, required: bool = False, ge: float | None = None, gt: float | None = None, le: float | None = None
) -> Column:
    return Column(NUMBER, meaning, required, ge, gt, le)


def flag(meaning: str) -> Column:
    return Column(FLAG, meaning, required=True)
