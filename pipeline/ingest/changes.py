"""What the reader of the trial table changes or sets beside the codebook, each change logged.

All functions take the contrast rows (changed in place), the raw cells and their numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.codebook import Codebook
from pipeline.ingest.tidy import ReadingReport
from pipeline.vocabulary import Better


def log_mapped_words(rows: pd.DataFrame, raw: pd.DataFrame, report: ReadingReport) -> None:
    """Every word of the delivery that became a code."""
    for column, to in (
        ("peer_role", "role_1"),
        ("comparator", "condition_2"),
        ("outcome_domain", "outcome"),
        ("instrument", "instrument"),
        ("delivery", "modality_1"),
    ):
        changed = raw[column].ne(rows[to]) & raw[column].ne("")
        for i in np.flatnonzero(changed.to_numpy()):
            report.add(
                "mapped",
                "word of the delivery to the code of the codebook",
                raw["row_id"].iloc[i],
                column,
                raw[column].iloc[i],
                rows[to].iloc[i],
            )


def log_standard_errors(
    rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series], report: ReadingReport
) -> None:
    """`mean_kind` says that the SD columns hold standard errors of the means: SD = SE sqrt(n)."""
    for i in np.flatnonzero(raw["mean_kind"].str.contains("standard error", case=False).to_numpy()):
        for side, end in (("1", "int"), ("2", "ctl")):
            report.add(
                "changed",
                "a standard error of the mean, times the square root of n",
                str(rows.loc[i, "row_id"]),
                f"sd_{end}",
                num[f"sd_{end}"].iloc[i],
                rows.loc[i, f"sd_{side}"],
            )


def compare_directions(
    rows: pd.DataFrame, raw: pd.DataFrame, complement: pd.Series, book: Codebook, report: ReadingReport
) -> None:
    """The delivery's own word on which end is good is compared with the codebook, which is used."""
    claimed = raw["direction"].map({"lower_better": Better.LOWER, "higher_better": Better.HIGHER})
    for i in np.flatnonzero(claimed.notna().to_numpy()):
        code = str(rows.loc[i, "instrument"])
        events = book.outcomes[str(rows.loc[i, "outcome"])].event != ""
        scale = book.instruments[code].better_is if code and not events else None
        known = scale or book.outcomes[str(rows.loc[i, "outcome"])].better_is
        if known is not None and (claimed.iloc[i] != known) != bool(complement.iloc[i]):
            report.add(
                "kept",
                "the delivery says the other end is good; the codebook is used",
                str(rows.loc[i, "row_id"]),
                "direction",
                raw["direction"].iloc[i],
                f"{known.value}_better",
            )


def keep_percentages(rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series], report: ReadingReport) -> None:
    """Percentages without denominators: the printed difference is kept as an effect without an interval."""
    both = raw["mean_kind"].eq("percent") & num["mean_int"].notna() & num["mean_ctl"].notna()
    for i in np.flatnonzero((both & num["effect"].isna()).to_numpy()):
        rows.loc[i, "effect"] = num["mean_int"].iloc[i] - num["mean_ctl"].iloc[i]
        rows.loc[i, "effect_type"], rows.loc[i, "claimed_sign"] = "risk_difference_percent", "int_minus_ctl"
        report.add(
            "changed",
            "two printed percentages without denominators: kept as their difference, without an interval",
            rows.loc[i, "row_id"],
            "mean_int",
            f"{num['mean_int'].iloc[i]:g} v {num['mean_ctl'].iloc[i]:g}",
            rows.loc[i, "effect"],
        )


def turn_complements(rows: pd.DataFrame, complement: pd.Series, report: ReadingReport) -> None:
    """Counts of the opposite event are turned round; a ratio of the opposite event cannot be."""
    for i in np.flatnonzero(complement.to_numpy()):
        row = rows.loc[i, "row_id"]
        for side in ("1", "2"):
            if pd.notna(rows.loc[i, f"total_{side}"]):
                before = rows.loc[i, f"events_{side}"]
                rows.loc[i, f"events_{side}"] = rows.loc[i, f"total_{side}"] - before
                report.add(
                    "changed",
                    "the source counts the opposite event: turned round to the outcome's event",
                    row,
                    f"events_{side}",
                    before,
                    rows.loc[i, f"events_{side}"],
                )
        if pd.notna(rows.loc[i, "effect"]):
            report.add(
                "changed",
                "the printed effect is on the opposite event and is kept as printed",
                row,
                "effect_type",
                rows.loc[i, "effect_type"],
                "opposite_event",
            )
            rows.loc[i, "effect_type"] = "opposite_event"


def unknown_end_of_treatment(rows: pd.DataFrame, report: ReadingReport) -> None:
    """The therapy database writes 0 weeks after randomisation for 'end of treatment, weeks unknown'."""
    zero = rows["time_weeks"].eq(0) & rows["time_basis"].eq("randomisation")
    for row in rows.loc[zero, "row_id"]:
        report.add(
            "changed",
            "0 weeks after randomisation cannot be an end of treatment: weeks unknown",
            row,
            "timepoint_weeks",
            0.0,
            "",
        )
    rows.loc[zero, "time_basis"] = "post_treatment"
    rows.loc[zero, "time_weeks"] = np.nan
