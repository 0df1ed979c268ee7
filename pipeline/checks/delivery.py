"""What a check sees, and what it says: `Delivery` in, `Finding` out, thresholds in `CheckParams`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.params import Section
from pipeline.vocabulary import Better, Severity

if TYPE_CHECKING:
    from pipeline.codebook import Codebook

PAIR_KEY = ["source", "row_id", "value_kind"]
PAIR_SHARED = ["study_id", "stratum", "outcome", "instrument", "time_weeks", "time_basis"]
SIDED = ("line", "arm", "condition", "n", "mean", "sd", "events", "total", "baseline_mean", "baseline_sd")


class CheckParams(Section):
    """Section `checks` of params.yaml: thresholds.

    Each was set on published trials so that it finds their known defects and spares their neighbours.
    """

    # SE of an SMD over sqrt(1/n1 + 1/n2 + g^2/2N): a pretest correlation of 0.7 gives 0.7, a design effect of 2 1.4
    se_ratio_min: float = 0.7
    se_ratio_max: float = 1.4
    # SE of a printed MD over sqrt(sd1^2/n1 + sd2^2/n2): adjusted for baseline it is sqrt(1 - r^2) of it, 0.44 with
    # r = 0.9 and 0.3 with r = 0.95, above the retest reliability of most scales; a design effect of 9 gives 3
    md_se_ratio_min: float = 0.3
    md_se_ratio_warning: float = 0.4
    md_se_ratio_max: float = 3.0
    # printed SE over the SE its interval implies: 1 apart from t against normal and the method of the interval
    se_interval_warning: float = 1.1
    se_interval_exclude: float = 1.5
    # distance of the estimate from the middle of its interval beyond rounding, as a share of half the width
    off_centre_warning: float = 0.02
    off_centre_exclude: float = 0.2
    # a delivered g against the g of its means: in g beyond rounding, and in standard errors
    g_difference_warning: float = 0.01
    g_difference_exclude: float = 0.5
    # how far outside [endpoint difference, change difference] an adjusted effect may lie, in standard errors
    adjustment_slack: float = 0.5
    # SD over the instrument's reference SD. 1/3 is an SE with 9 people per arm
    sd_ratio_min: float = 1 / 3
    sd_ratio_max: float = 2.5
    # the same, for the other instruments of a trial that has one such SD: one table, one mistake
    sd_ratio_beside: float = 0.6
    # trials behind a reference SD from which it may exclude a row by itself
    reference_trials_min: int = 10
    # SD over the arm's own baseline SD
    sd_own_min: float = 1 / 3
    sd_own_max: float = 3.0
    # |SMD| from which SDs that small exclude: an SE given as an SD multiplies it by sqrt(n), with 25 per arm 0.3 to 1.5
    sd_low_smd: float = 1.5
    # a single small SD is an end-of-scale effect unless it is also below this share of the mean's height on the scale
    sd_height_share: float = 0.25
    # both arms moved by this many SDs from baseline: a treatment can do that, usual care cannot
    pre_post_max: float = 3.0
    # rounding of mean and SD against the largest SD a score range allows
    sd_bound_slack: float = 0.02
    # share of the score range taken as the SD where no reference is known (BDI-II 0.15, PHQ-9 0.19, HDRS-17 0.12)
    sd_share_of_range: float = 0.15
    # variance over mean of a count: Poisson if all people had one rate; they never do, days in hospital have 25 to 30
    count_dispersion_min: float = 1.0
    # an |SMD| this large means that the two groups hardly overlap (overlap of 7 %)
    smd_max: float = 3.0
    # digits of mean and SD together from which equal pairs of two instruments cannot be chance
    equal_digits: int = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of ISSUES, but for the names that `run_checks` adds. `applies_to`: what must not be used."""

    source: str
    row_id: str
    study_id: str
    severity: Severity
    applies_to: str
    evidence: str
    advice: str


@dataclass(frozen=True)
class Delivery:
    """Tidy tables (STUDIES, STUDY_ARMS, REPORTED) of one or more sources, with the words that explain them."""

    studies: pd.DataFrame
    arms: pd.DataFrame
    reported: pd.DataFrame
    codebook: Codebook
    params: CheckParams = field(default_factory=CheckParams)

    @cached_property
    def arm_rows(self) -> pd.DataFrame:
        """STUDY_ARMS repeated for each row of the delivery that an arm came from: `row_id`, and its own `line`."""
        named = self.arms.assign(row_id=self.arms["source_rows"].str.split("|"), line=range(len(self.arms)))
        rows = named.explode("row_id", ignore_index=True)
        rows["base_arm"] = rows["arm"].str.replace(r"\.\d+$", "", regex=True)
        return rows

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Both arms of each row of the delivery side by side: SIDED with _1 and _2.

        Arm 1 is the reported effect's `arm_1`; without one, the arm whose condition ranks first.
        """
        stated = self.reported[["source", "row_id", "arm_1", "arm_2"]]
        rows = self.arm_rows.merge(stated, on=["source", "row_id"], how="left")
        own = rows["base_arm"].eq(rows["arm_1"]) | rows["arm"].eq(rows["arm_1"])
        other = rows["base_arm"].eq(rows["arm_2"]) | rows["arm"].eq(rows["arm_2"])
        rows["order"] = np.select([own, other], [0, 2], 1)
        rows["rank"] = rows["condition"].map({code: c.rank for code, c in self.codebook.conditions.items()})
        rows = rows.drop(columns=["arm_1", "arm_2"]).sort_values([*PAIR_KEY, "order", "rank", "arm"])
        side = rows.groupby(PAIR_KEY, sort=False).cumcount()
        first = rows.loc[side.eq(0), [*PAIR_KEY, *PAIR_SHARED, *SIDED]]
        second = rows.loc[side.eq(1), [*PAIR_KEY, *SIDED]]
        return first.merge(second, on=PAIR_KEY, suffixes=("_1", "_2"))

    def instrument(self, codes: pd.Series, attribute: str) -> pd.Series:
        """A number of the codebook's instruments (`score_min`, `reference_sd`, ...) for each code; NaN if unknown."""
        known = {code: getattr(i, attribute) for code, i in self.codebook.instruments.items()}
        return pd.to_numeric(codes.map(known), errors="coerce").astype("float64")

    def range_is_verified(self, codes: pd.Series) -> pd.Series:
        return codes.map({code: i.verified for code, i in self.codebook.instruments.items()}).eq(True)

    def better(self, rows: pd.DataFrame) -> pd.Series:
        """+1 where higher is better, -1 where lower is, NaN if unknown: the outcome's for events, else the scale's."""
        outcome = rows["outcome"].map({c: _sign(o.better_is) for c, o in self.codebook.outcomes.items()})
        scale = rows["instrument"].map({c: _sign(i.better_is) for c, i in self.codebook.instruments.items()})
        return scale.mask(rows["value_kind"].eq("event")).fillna(outcome).astype("float64")


Check = Callable[[Delivery], list[Finding]]


def findings(
    rows: pd.DataFrame, severity: Severity | pd.Series, applies_to: str, evidence: Callable[[Any], str], advice: str
) -> list[Finding]:
    """A finding per row (with source, row_id, study_id); `evidence` words its numbers. `severity` may differ by row."""
    levels = severity[rows.index] if isinstance(severity, pd.Series) else [severity] * len(rows)
    return [
        Finding(str(r.source), str(r.row_id), str(r.study_id), Severity(level), applies_to, evidence(r), advice)
        for r, level in zip(rows.itertuples(index=False), levels, strict=True)
    ]


def exclude_if(grave: pd.Series) -> pd.Series:
    """Severity by row: `exclude` where true, else `warning`."""
    return grave.map({True: Severity.EXCLUDE, False: Severity.WARNING})


def _sign(better: Better | None) -> float:
    return {Better.HIGHER: 1.0, Better.LOWER: -1.0}.get(better, np.nan) if better is not None else np.nan
