"""Questions, and which of the effects found qualify for each."""

from __future__ import annotations

import re
from typing import Literal

import pandas as pd
from pydantic import Field, field_validator

from pipeline.codebook import Codebook
from pipeline.errors import BadInput, Problem, nearest
from pipeline.params import Section

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Question(Section):
    """One row of `questions` in params.yaml."""

    title: str
    kind: Literal["peer_support", "context"]
    outcome: str
    measure: Literal["SMD", "MD", "ROM", "RR", "OR", "RD", "IRR", "HR"]
    roles: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    comparator: str
    sources: tuple[str, ...]
    window_weeks: tuple[float, float]
    target_weeks: float
    instruments: tuple[str, ...] = ()
    related_outcomes: tuple[str, ...] = ()
    translate_to: str | None = None
    published: tuple[str, ...] = Field(default=())

    @field_validator("window_weeks")
    @classmethod
    def _ordered(cls, window: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= window[0] < window[1]:
            raise ValueError("the first week must come before the last")
        return window


def check_question(file: str, key: str, question: Question, book: Codebook) -> None:
    """Raise `BadInput` when a question uses a word that the codebook does not hold, or a key that is no id."""
    words = [
        ("outcome", (question.outcome,), book.outcomes),
        ("related_outcomes", question.related_outcomes, book.outcomes),
        ("roles", question.roles, book.roles),
        ("conditions", question.conditions, book.conditions),
        ("comparator", (question.comparator,), book.conditions),
        ("instruments", question.instruments, book.instruments),
        ("translate_to", (question.translate_to,) if question.translate_to else (), book.instruments),
    ]
    problems = [
        Problem(
            file,
            f"'questions.{key}.{name}' is not in the codebook",
            nearest(word, known) or "use a code of data/codebook",
            value=word,
        )
        for name, used, known in words
        for word in used
        if word not in known
    ]
    if not ID.fullmatch(key):
        problems.append(
            Problem(file, "a question's key is not an id", "use lower-case letters, digits, '-' and '_'", value=key)
        )
    if problems:
        raise BadInput(problems)


def found_for(effects: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Every effect of the question's outcome, and of those listed beside it, in its sources.

    For context: of its conditions and comparator only.
    """
    outcomes = (question.outcome, *question.related_outcomes)
    rows = effects["outcome"].isin(outcomes) & effects["source"].isin(question.sources)
    if question.kind == "context":
        rows &= effects["condition_1"].isin(question.conditions) & effects["condition_2"].eq(question.comparator)
    return effects[rows]


def judge(found: pd.DataFrame, question: Question, book: Codebook, keep: frozenset[str] = frozenset()) -> pd.Series:
    """Why each effect does not qualify; '' when it does.

    Parameters
    ----------
    keep : reason codes set aside for a sensitivity analysis: `check` (rows excluded by a check), `reference_sd`
    """
    reason = pd.Series("", index=found.index)

    def mark(rows: pd.Series, words: pd.Series | str) -> None:
        free = rows & reason.eq("")
        reason[free] = words[free] if isinstance(words, pd.Series) else words

    mark(
        found["outcome"].ne(question.outcome),
        "gives only: " + found["outcome"].map(lambda o: book.outcomes[o].label.lower()),
    )
    lo, hi = question.window_weeks
    outside = found["time_weeks"].lt(lo) | found["time_weeks"].gt(hi)
    mark(
        ~found["role_1"].isin(question.roles), "given by: " + found["role_1"].map(lambda r: book.roles[r].label.lower())
    )
    if question.conditions:
        mark(~found["condition_1"].isin(question.conditions), "arm 1 received: " + _label(found["condition_1"], book))
    mark(found["condition_2"].ne(question.comparator), "compared with: " + _label(found["condition_2"], book))
    mark(outside, found["time_weeks"].map(lambda w: f"measured at {w:g} weeks, outside the window"))
    mark(found["status"].eq("excluded") & ~found["reason_code"].isin(keep), found["reason"].replace("", "excluded"))
    mark(found["status"].eq("not_computable"), found["reason"])
    other = found["measure"].ne(question.measure)
    mark(other & found["measure"].ne(""), "given as " + found["measure"] + ", the question asks " + question.measure)
    if question.measure == "SMD":
        mark(found["in_change"], "SMD of changes: never pooled with SMDs of end points")
    mark(found["yi"].isna() | found["vi"].isna(), "no effect could be computed")
    return reason


def _label(codes: pd.Series, book: Codebook) -> pd.Series:
    return codes.map(lambda c: book.conditions[c].label.lower())
