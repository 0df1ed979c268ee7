"""Reads the result tables of one question into frozen objects. Nothing here computes; it selects rows and checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import tables
from pipeline.errors import BadInput, Problem
from pipeline.report.format import decimals
from pipeline.report.labels import Labels
from pipeline.vocabulary import Measure, PooledModel

FILES = (
    "question.json",
    "studies_used.csv",
    "pooled.csv",
    "tests.csv",
    "influence.csv",
    "translated.csv",
    "issues.csv",
)
SHARED = ("published.csv", "provenance.json")
QUESTIONS = "questions"
"""Folder below the results with one folder per question."""


@dataclass(frozen=True, slots=True)
class Choice:
    choice: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Content:
    """What the intervention arms of some of the trials used received. `weight` in percent; None where unknown."""

    label: str
    trials: int
    weight: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """`question.json`. `better_is` is 'lower', 'higher' or ''; `event` says what was counted ('died'), or ''.

    `sources` are the deliveries searched; `unit` is that of a mean difference; `content` says what the trials tested.
    From `headline_prediction_from_k` trials the prediction interval is a headline; below it is a warning.
    """

    key: str
    title: str
    kind: str
    outcome: str
    outcome_label: str
    better_is: str
    event: str
    measure: str
    measure_label: str
    intervention_label: str
    comparator: str
    comparator_label: str
    roles: tuple[str, ...]
    window_weeks: tuple[float | None, float | None]
    target_weeks: float | None
    k: int
    n: float | None
    found: int
    unit: str
    content: tuple[Content, ...]
    published: tuple[str, ...]
    sources: tuple[str, ...]
    headline_prediction_from_k: int
    choices: tuple[Choice, ...]

    @property
    def is_ratio(self) -> bool:
        return Measure(self.measure).is_ratio

    @property
    def null(self) -> float:
        """The value of 'no difference' on the shown scale."""
        return 1.0 if self.is_ratio else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the headline rests on. `kind`: 'mean' (random effects), 'common' (two trials) or 'single' (one). Shown
    scale."""

    kind: str
    k: int
    n: float | None
    value: float
    ci_lb: float
    ci_ub: float
    pi_lb: float | None = None
    pi_ub: float | None = None
    p: float | None = None
    study: str = ""
    tau2: float | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything a report may print about one question."""

    question: Question
    studies: pd.DataFrame
    pooled: pd.DataFrame
    tests: pd.DataFrame
    influence: pd.DataFrame
    translated: pd.DataFrame
    issues: pd.DataFrame
    published: pd.DataFrame
    provenance: dict[str, Any]
    labels: Labels

    @cached_property
    def used(self) -> pd.DataFrame:
        return self.studies[self.studies["used"]].reset_index(drop=True)

    @cached_property
    def unused(self) -> pd.DataFrame:
        return self.studies[~self.studies["used"]].reset_index(drop=True)

    @cached_property
    def places(self) -> int:
        """Decimals of this question's effects."""
        return decimals(self.question.measure, self.used["shown_yi"].dropna().tolist())

    @cached_property
    def together(self) -> bool:
        """Does the mean take in several effects of a trial?"""
        main = self.analysis("main")
        return len(main) == 1 and main["model"].iloc[0] == PooledModel.DEPENDENT

    def analysis(self, name: str) -> pd.DataFrame:
        """Rows of POOLED of one analysis."""
        return self.pooled[self.pooled["analysis"] == name].reset_index(drop=True)

    @cached_property
    def estimate(self) -> Estimate | None:
        """The headline number, or None where no trial gives one."""
        if self.question.k == 0:
            return None
        if self.question.k == 1:
            row, tested = self.used.iloc[0], self.analysis("main")
            p = tested["p"].iloc[0] if len(tested) else None
            return Estimate(
                "single", 1, self.question.n, row.shown_yi, row.shown_ci_lb, row.shown_ci_ub, p=p, study=row.study
            )
        name, kind = ("common_effect", "common") if self.question.k == 2 else ("main", "mean")
        row = self.analysis(name).iloc[0]
        return Estimate(
            kind,
            int(row.k),
            row.n,
            row.shown_estimate,
            row.shown_ci_lb,
            row.shown_ci_ub,
            None if kind == "common" else row.shown_pi_lb,
            None if kind == "common" else row.shown_pi_ub,
            row.p,
            tau2=None if kind == "common" else row.tau2,
        )


def load(results: str | Path, key: str) -> Evidence:
    """The evidence on one question.

    Raises
    ------
    BadInput
        A file that is missing or not in its schema, or tables that contradict each other.
    """
    results = Path(results)
    folder = results / QUESTIONS / key
    missing = [n for n in FILES if not (folder / n).is_file()] + [n for n in SHARED if not (results / n).is_file()]
    if missing:
        raise BadInput(
            [Problem(f"{key}/{n}", "the result file is missing", "run the stage that writes it") for n in missing]
        )
    raw = _json(folder / "question.json")
    question = _question(raw, f"{key}/question.json")
    published = _read(results / "published.csv", tables.PUBLISHED)
    evidence = Evidence(
        question,
        _read(folder / "studies_used.csv", tables.STUDIES_USED),
        _read(folder / "pooled.csv", tables.POOLED),
        _read(folder / "tests.csv", tables.TESTS),
        _read(folder / "influence.csv", tables.INFLUENCE),
        _read(folder / "translated.csv", tables.TRANSLATED),
        _read(folder / "issues.csv", tables.ISSUES),
        published[published["id"].isin(question.published)].reset_index(drop=True),
        _json(results / "provenance.json"),
        Labels.of_question(raw),
    )
    _check(evidence, key)
    return evidence


def load_all(results: str | Path, keys: Sequence[str]) -> list[Evidence]:
    """The evidence on every question, in the order of `keys`."""
    return [load(results, key) for key in keys]


def _read(path: Path, table: tables.Table) -> pd.DataFrame:
    """The table with its whole numbers as floats, so that 'unknown' is NaN everywhere."""
    frame = tables.read(path, table)
    whole = [name for name, column in table.columns.items() if column.kind == "integer"]
    return frame.astype(dict.fromkeys(whole, "float64"))


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise BadInput(Problem(path.name, f"is not JSON: {e}", "run the stage that writes it")) from None
    if not isinstance(value, dict):
        raise BadInput(Problem(path.name, "is not a JSON object", "run the stage that writes it"))
    return value


def _question(raw: dict[str, Any], file: str) -> Question:
    absent = [n for n in Question.__slots__ if n not in raw]
    if absent:
        raise BadInput([Problem(file, f"field '{n}' is missing", "run the stage that writes it") for n in absent])
    values = {n: raw[n] for n in Question.__slots__}
    lo, hi = raw["window_weeks"] or (None, None)
    values |= {n: raw[n] or "" for n in ("better_is", "event")}
    values |= {n: tuple(raw[n]) for n in ("roles", "published", "sources")}
    values["content"] = tuple(Content(str(c["label"]), int(c["trials"]), c["weight"]) for c in raw["content"])
    values["choices"] = tuple(Choice(str(c["choice"]), str(c["value"]), str(c["why"])) for c in raw["choices"])
    return Question(**{**values, "window_weeks": (lo, hi)})


def _check(evidence: Evidence, key: str) -> None:
    q, file = evidence.question, f"{key}/question.json"
    problems = []
    if q.key != key:
        problems.append(Problem(file, "names another question", f"its key must be '{key}'", value=q.key))
    if q.k != int(evidence.studies["used"].sum()):
        problems.append(
            Problem(
                file, "k is not the number of rows used in studies_used.csv", "run the stage again", None, "k", str(q.k)
            )
        )
    needed = {2: "common_effect"}.get(q.k, "main" if q.k >= 3 else "")
    if needed and evidence.analysis(needed).empty:
        problems.append(
            Problem(f"{key}/pooled.csv", f"has no row '{needed}' although k = {q.k}", "run the stage again")
        )
    if problems:
        raise BadInput(problems)
