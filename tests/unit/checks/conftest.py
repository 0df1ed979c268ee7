"""Small deliveries written by hand: one contrast per dict, two arms each."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.checks import CHECKS, CheckParams, Delivery, run_checks
from pipeline.tables import REPORTED, STUDIES, STUDY_ARMS, conform
from pipeline.vocabulary import Better, Condition, Instrument, Outcome

SHARED = {
    "source": "trials", "study_id": "a-2001", "stratum": "", "outcome": "depression", "detail": "",
    "instrument": "bdi2", "rating": "", "time_weeks": 12.0, "time_basis": "randomisation", "reference": "made",
    "note": "", "flag": "",
}  # fmt: skip
ARM = ("n", "mean", "sd", "events", "total", "baseline_mean", "baseline_sd", "person_time")
EFFECT = {
    "effect_type": "hedges_g", "adjusted": False, "cluster_adjusted": False, "effect": np.nan, "se": np.nan,
    "ci_lb": np.nan, "ci_ub": np.nan, "level": 95.0, "claimed_sign": "positive_favours_int", "n_1": np.nan,
    "n_2": np.nan, "n_total": np.nan, "icc": np.nan, "cluster_size": np.nan,
}  # fmt: skip


def _instrument(
    code: str, better: Better | None, low: float | None, high: float | None, sd: float | None
) -> Instrument:
    k = None if sd is None else 3 if code == "few" else 90
    return Instrument(
        code, code, code, "depression", better, None, low, high, sd, code != "unsure", "made", reference_sd_k=k
    )


def _effect_type(measure: str, reading: str = "as_printed", of_change: bool = False) -> SimpleNamespace:
    return SimpleNamespace(measure=measure, scale="natural", reading=reading, is_difference_in_change=of_change)


BOOK = SimpleNamespace(
    instruments={
        i.code: i
        for i in (
            _instrument("bdi2", Better.LOWER, 0, 63, 9.4),
            _instrument("phq9", Better.LOWER, 0, 27, 5.0),
            _instrument("few", Better.LOWER, None, None, 9.4),
            _instrument("hope", Better.HIGHER, 1, 7, None),
            _instrument("unsure", Better.LOWER, 0, 30, None),
            _instrument("visits", None, None, None, None),
        )
    },
    outcomes={
        "depression": Outcome("depression", "", "continuous", Better.LOWER, "", "", ""),
        "remission": Outcome("remission", "", "event", Better.HIGHER, "well", "", ""),
        "admission_event": Outcome("admission_event", "", "event", Better.LOWER, "admitted", "", ""),
        "emergency_visit_count": Outcome("emergency_visit_count", "", "count", Better.LOWER, "", "", ""),
    },
    conditions={
        "support_programme": Condition("support_programme", "", "intervention", 10, "", ""),
        "usual_care": Condition("usual_care", "", "control", 80, "", ""),
    },
    effect_types={
        "hedges_g": _effect_type("SMD"),
        "hedges_g_did": _effect_type("SMD", of_change=True),
        "mean_difference": _effect_type("MD"),
        "odds_ratio": _effect_type("OR"),
        "risk_ratio": _effect_type("RR"),
        "relative_risk_reduction": _effect_type("RR", "one_minus"),
        "t_statistic": _effect_type(""),
    },
    effect_signs={
        code: SimpleNamespace(favours_int=favours)
        for code, favours in (
            ("positive_favours_int", "above_0"),
            ("negative_favours_int", "below_0"),
            ("positive_favours_ctl", "below_0"),
            ("above_1_favours_int", "above_1"),
            ("below_1_favours_int", "below_1"),
            ("int_minus_ctl", ""),
        )
    },
)


def contrast(row_id: str, **cells: Any) -> dict[str, Any]:
    """A row of a delivery. Arm cells end in _1 and _2 (`n_1` is the arm's n); the reported effect's own by name.

    The study's are `title` and `cluster`, read from the first row.
    """
    return {"row_id": row_id, **cells}


def _arm(row: dict[str, Any], side: str) -> dict[str, Any]:
    arm = {k: row.get(k, v) for k, v in SHARED.items()}
    arm |= {name: row.get(f"{name}_{side}", np.nan) for name in ARM}
    arm |= {
        "arm": row.get(f"arm_{side}", "peers" if side == "1" else "usual"),
        "modality": "",
        "source_rows": row["row_id"],
    }
    arm |= {
        "condition": row.get(f"condition_{side}", "support_programme" if side == "1" else "usual_care"),
        "role": "peer" if side == "1" else "none",
    }
    return arm | {"value_kind": row.get("value_kind", "endpoint")}


def build(*rows: dict[str, Any], params: CheckParams | None = None) -> Delivery:
    """Contrasts to a Delivery. Arms that are the same in every cell but `row_id` become one arm."""
    arms = pd.DataFrame([_arm(r, s) for r in rows for s in "12"])
    same = [c for c in arms.columns if c != "source_rows"]
    arms = arms.groupby(same, dropna=False, as_index=False, sort=False).agg(source_rows=("source_rows", "|".join))
    effects = [
        {**{k: r.get(k, v) for k, v in (SHARED | EFFECT).items()}, "row_id": r["row_id"],
         "arm_1": r.get("arm_1", "peers").split(".")[0], "arm_2": r.get("arm_2", "usual").split(".")[0]}
        for r in rows if "effect" in r
    ]  # fmt: skip
    study = {
        "source": "trials",
        "study_id": "a-2001",
        "study": "A 2001",
        "year": 2001,
        "reference": rows[0].get("title", "made"),
        "cluster": rows[0].get("cluster", ""),
        "randomised": "yes",
        "rob": "low",
    }
    studies = pd.DataFrame([study]).reindex(columns=list(STUDIES.columns))
    return Delivery(
        conform(studies, STUDIES, "studies"),
        conform(arms, STUDY_ARMS, "arms"),
        conform(pd.DataFrame(effects, columns=list(REPORTED.columns)), REPORTED, "reported"),
        BOOK,  # type: ignore[arg-type]
        params or CheckParams(),
    )


@pytest.fixture
def found() -> Callable[..., dict[str, tuple[str, str]]]:
    """found(check, *contrasts) -> {row_id: (severity, applies_to)} of that one check."""

    def of(check: str, *rows: dict[str, Any]) -> dict[str, tuple[str, str]]:
        issues = run_checks(build(*rows), {check: CHECKS[check]})
        return {r.row_id: (r.severity, r.applies_to) for r in issues.itertuples()}

    return of


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return contrast


@pytest.fixture
def delivery() -> Callable[..., Delivery]:
    return build
