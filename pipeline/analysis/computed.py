"""Effects computed from arm values: means with SDs, changes, counts, events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.events import odds_ratio, risk_difference, risk_ratio
from pipeline.meta.effect_sizes.means import mean_difference, ratio_of_means
from pipeline.meta.effect_sizes.rates import incidence_rate_ratio
from pipeline.meta.effect_sizes.standardized import standardized_mean_difference
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_events
from pipeline.params import Section

MEANS = ["mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"]
EVENTS = ["events_1", "total_1", "events_2", "total_2"]
RATES = ["events_1", "person_time_1", "events_2", "person_time_2"]


class EffectParams(Section):
    """How effects are computed from arm values."""

    smd_correction: Literal["exact", "approximate", "none"]
    smd_vtype: Literal["LS", "LS2", "UB"]
    zero_cell_add: float = Field(ge=0, allow_inf_nan=False)
    zero_cell_to: Literal["only0", "all", "if0all", "none"]
    drop_double_zero: bool


def from_arms(rows: pd.DataFrame, params: EffectParams) -> pd.DataFrame:
    """All measures that the arm values of each contrast allow.

    Parameters
    ----------
    rows : contrasts (`contrasts`), with `outcome_kind`

    Returns
    -------
    frame indexed like `rows` (an index stands once per measure) with measure, basis, yi, vi, vi_arm_2
    """
    means = _complete(rows, MEANS) & rows["sd_1"].gt(0) & rows["sd_2"].gt(0) & rows["n_1"].ge(2) & rows["n_2"].ge(2)
    events = _complete(rows, EVENTS) & rows["total_1"].ge(1) & rows["total_2"].ge(1)
    events &= rows["events_1"].le(rows["total_1"]) & rows["events_2"].le(rows["total_2"])
    scale = means & rows["outcome_kind"].eq("continuous") & rows["value_kind"].isin(["endpoint", "change"])
    counts = means & rows["value_kind"].eq("count") & rows["mean_1"].gt(0) & rows["mean_2"].gt(0)
    rates = _complete(rows, RATES) & rows["person_time_1"].gt(0) & rows["person_time_2"].gt(0)
    parts = [
        _of_means(rows[scale], "SMD", _smd(params), _smd_share),
        _of_means(rows[scale], "MD", mean_difference, _md_share),
        _of_means(rows[counts], "ROM", ratio_of_means, _rom_share),
        _of_events(rows[events], "RR", risk_ratio, params, lambda t: 1 / t.ci - 1 / t.n2i),
        _of_events(rows[events], "OR", odds_ratio, params, lambda t: 1 / t.ci + 1 / t.di),
        _of_events(rows[events], "RD", risk_difference, params, lambda t: t.ci * t.di / t.n2i**3),
        _of_rates(rows[rates], params),
    ]
    return pd.concat(parts)


def _smd(params: EffectParams) -> Callable[..., EffectSize]:
    def smd(*values: np.ndarray) -> EffectSize:
        return standardized_mean_difference(*values, correction=params.smd_correction, vtype=params.smd_vtype)

    return smd


def _of_means(
    rows: pd.DataFrame, measure: str, compute: Callable[..., EffectSize], share: Callable[..., np.ndarray]
) -> pd.DataFrame:
    values = [rows[c].to_numpy(float) for c in MEANS]
    effect = compute(*values)
    basis = rows["value_kind"].map({"endpoint": "means", "change": "change", "count": "counts"})
    return pd.DataFrame(
        {"measure": measure, "basis": basis, "yi": effect.yi, "vi": effect.vi, "vi_arm_2": share(effect, *values)},
        index=rows.index,
    )


def _of_events(
    rows: pd.DataFrame,
    measure: str,
    compute: Callable[..., EffectSize],
    params: EffectParams,
    share: Callable[[TwoByTwo], np.ndarray],
) -> pd.DataFrame:
    table = from_events(*(rows[c].to_numpy(float) for c in EVENTS))
    effect = compute(table, add=params.zero_cell_add, to=params.zero_cell_to, drop00=params.drop_double_zero)
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = np.where(table.ci * table.di > 0, share(table), np.nan)
    return pd.DataFrame(
        {"measure": measure, "basis": "events", "yi": effect.yi, "vi": effect.vi, "vi_arm_2": shared}, index=rows.index
    )


def _of_rates(rows: pd.DataFrame, params: EffectParams) -> pd.DataFrame:
    """Rate ratios of counts of events in person-time (Poisson variance: for events, not for days in hospital)."""
    x1, t1, x2, t2 = (rows[c].to_numpy(float) for c in RATES)
    effect = incidence_rate_ratio(
        x1, t1, x2, t2, add=params.zero_cell_add, to=params.zero_cell_to, drop00=params.drop_double_zero
    )
    with np.errstate(divide="ignore"):
        shared = np.where(x2 > 0, 1 / x2, np.nan)
    return pd.DataFrame(
        {"measure": "IRR", "basis": "counts", "yi": effect.yi, "vi": effect.vi, "vi_arm_2": shared}, index=rows.index
    )


def _smd_share(effect: EffectSize, m1: np.ndarray, s1: np.ndarray, n1: np.ndarray, m2: np.ndarray, s2: np.ndarray,
               n2: np.ndarray) -> np.ndarray:  # fmt: skip
    """Leading term of the covariance of two SMDs with one control. Gleser & Olkin 2009, eq. 19.19."""
    return 1 / n2


def _md_share(effect: EffectSize, m1: np.ndarray, s1: np.ndarray, n1: np.ndarray, m2: np.ndarray, s2: np.ndarray,
              n2: np.ndarray) -> np.ndarray:  # fmt: skip
    return s2**2 / n2


def _rom_share(effect: EffectSize, m1: np.ndarray, s1: np.ndarray, n1: np.ndarray, m2: np.ndarray, s2: np.ndarray,
               n2: np.ndarray) -> np.ndarray:  # fmt: skip
    return s2**2 / (n2 * m2**2)


def _complete(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    return rows[columns].notna().all(axis=1)
