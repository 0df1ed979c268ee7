"""All answers in one table: what changed between two runs is seen here first."""

from __future__ import annotations

import math

import pandas as pd

from pipeline.tables import OVERVIEW, conform

NUMBERS = ("shown_estimate", "shown_ci_lb", "shown_ci_ub", "shown_pi_lb", "shown_pi_ub", "tau2", "I2")


def headline(pooled: pd.DataFrame) -> pd.Series | None:
    """The line that answers: the main analysis, for two trials the common-effect line, None without trials."""
    for analysis in ("main", "common_effect"):
        rows = pooled[pooled["analysis"].eq(analysis)]
        if len(rows):
            return rows.iloc[0]
    return None


def overview(pooled: dict[str, pd.DataFrame], used: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """OVERVIEW: one row per question."""
    rows = []
    for key, table in pooled.items():
        line = headline(table)
        numbers = {name: math.nan if line is None else line[name] for name in NUMBERS}
        measure = "" if line is None else line["measure"]
        counts = {"k": int(used[key]["used"].sum()), "found": len(used[key])}
        rows.append(
            {"question": key, "measure": measure, **counts, "n": math.nan if line is None else line["n"], **numbers}
        )
    return conform(pd.DataFrame(rows), OVERVIEW, "overview")


def summary(pooled: dict[str, pd.DataFrame], used: dict[str, pd.DataFrame]) -> dict[str, dict[str, object]]:
    """The overview as nested metrics; 12 significant digits, unknown values left out."""
    return {
        str(row["question"]): {
            name: float(f"{value:.12g}") if isinstance(value, float) else value
            for name, value in row.items()
            if name != "question" and value != "" and not pd.isna(value)
        }
        for row in overview(pooled, used).to_dict("records")
    }
