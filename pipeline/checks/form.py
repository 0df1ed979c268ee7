"""Gate 1, form: numbers that no trial can have, whatever its results."""

from __future__ import annotations

import re

import pandas as pd

from pipeline.checks.delivery import Delivery, Finding, exclude_if, findings
from pipeline.vocabulary import Severity

ERROR, EXCLUDE, WARNING, NOTE = Severity.ERROR, Severity.EXCLUDE, Severity.WARNING, Severity.NOTE
AFTER_A_START = ("randomisation", "baseline", "enrolment")

# words of the extractors' flags, first match decides: severity, what must not be used
FLAGS: tuple[tuple[str, Severity, str], ...] = (
    (r"^SUSPECT.*(adjusted effect|printed CI|sign of the estimate)", EXCLUDE, "reported"),
    (r"^SUSPECT", EXCLUDE, "row"),
    (r"not_randomised", EXCLUDE, "row"),
    (r"denominator_inconsistent", EXCLUDE, "row"),
    (r"misprint", EXCLUDE, "reported"),
    (r"^unit_ambiguous", EXCLUDE, "row"),
    (r"^(author_year|year|country)_not_printed", NOTE, "row"),
    (r"", WARNING, "row"),
)
ADVICE = {
    EXCLUDE: "kept out until the publication settles it",
    WARNING: "a caution of the extractors: read it before the row is used",
    NOTE: "look the missing detail up",
}
CORRECT = "correct the delivery from the publication; the pipeline stops until it is"


def negative_sd(d: Delivery) -> list[Finding]:
    """A standard deviation below zero, at the end or at baseline."""
    rows = d.arm_rows
    bad = rows[rows["sd"].lt(0) | rows["baseline_sd"].lt(0)]
    return findings(bad, ERROR, "arms", lambda r: f"{r.arm}: SD {r.sd:g}, baseline SD {r.baseline_sd:g}", CORRECT)


def negative_se(d: Delivery) -> list[Finding]:
    """A standard error of zero or less."""
    bad = d.reported[d.reported["se"].le(0)]
    return findings(bad, ERROR, "reported", lambda r: f"SE {r.se:g}", CORRECT)


def sample_size(d: Delivery) -> list[Finding]:
    """Fewer than one person."""
    rows = d.arm_rows
    bad = rows[rows["n"].lt(1) | rows["total"].lt(1)]
    return findings(bad, ERROR, "arms", lambda r: f"{r.arm}: n {r.n:g}, total {r.total:g}", CORRECT)


def part_of_a_person(d: Delivery) -> list[Finding]:
    """A number of people that is not whole.

    A shifted column, a group shared out between contrasts (Cochrane Handbook 23.3.4), or an effective sample size.
    """
    rows = d.arm_rows
    bad = rows[(rows[["n", "total", "events"]] % 1).gt(0).any(axis=1)]
    return findings(
        bad, WARNING, "arms", lambda r: f"{r.arm}: n {r.n:g}, total {r.total:g}, events {r.events:g}",
        "look the number up in the publication; deliver people analysed, and clusters in their own columns",
    )  # fmt: skip


def events_above_total(d: Delivery) -> list[Finding]:
    """More people with the event than people, or fewer than none."""
    rows = d.arm_rows
    bad = rows[rows["events"].gt(rows["total"]) | rows["events"].lt(0)]
    return findings(bad, ERROR, "arms", lambda r: f"{r.arm}: {r.events:g} events in {r.total:g} people", CORRECT)


def limits_reversed(d: Delivery) -> list[Finding]:
    """A lower limit above the upper one."""
    bad = d.reported[d.reported["ci_lb"].gt(d.reported["ci_ub"])]
    return findings(bad, ERROR, "reported", lambda r: f"limits {r.ci_lb:g} to {r.ci_ub:g}", CORRECT)


def same_row_twice(d: Delivery) -> list[Finding]:
    """Two rows of a delivery with the same arms, outcome, instrument, time and numbers."""
    arms = d.arm_rows.groupby(["source", "row_id"], as_index=False).agg(
        study_id=("study_id", "first"), lines=("line", lambda lines: "|".join(map(str, sorted(lines))))
    )
    numbers = ["effect_type", "adjusted", "effect", "se", "ci_lb", "ci_ub"]
    rows = arms.merge(d.reported[["source", "row_id", *numbers]], on=["source", "row_id"], how="left")
    rows["first"] = rows.groupby(["source", "lines", *numbers], dropna=False, sort=False)["row_id"].transform("first")
    return findings(
        rows[rows["row_id"].ne(rows["first"])], ERROR, "row",
        lambda r: f"repeats row {r.first}: the same arms, numbers and effect", "keep one of the two rows",
    )  # fmt: skip


def repeated_in_other_words(d: Delivery) -> list[Finding]:
    """Both arms with the means and SDs of an earlier row, same study, instrument and time: one result, read twice."""
    place = ["source", "study_id", "stratum", "instrument", "time_weeks", "time_basis", "value_kind"]
    numbers = ["n_1", "mean_1", "sd_1", "n_2", "mean_2", "sd_2"]
    rows = d.pairs.sort_values(["source", "row_id"]).dropna(subset=["mean_1", "sd_1", "mean_2", "sd_2"])
    rows["arms"] = rows["line_1"].astype(str) + "|" + rows["line_2"].astype(str)
    group = rows.groupby([*place, *numbers], dropna=False)
    rows = rows.assign(first=group["row_id"].transform("first"), first_arms=group["arms"].transform("first"))
    return findings(
        rows[rows["row_id"].ne(rows["first"]) & rows["arms"].ne(rows["first_arms"])], EXCLUDE, "row",
        lambda r: f"both arms have the numbers of row {r.first}, in other words",
        "keep one of the two rows; the first one stands",
    )  # fmt: skip


def mean_outside_range(d: Delivery) -> list[Finding]:
    """An endpoint or baseline mean beyond the instrument's lowest or highest score."""
    rows = d.arm_rows[d.arm_rows["value_kind"].eq("endpoint")]
    low, high = d.instrument(rows["instrument"], "score_min"), d.instrument(rows["instrument"], "score_max")
    outside = pd.Series(False, index=rows.index)
    for name in ("mean", "baseline_mean"):
        outside |= rows[name].lt(low) | rows[name].gt(high)
    rows = rows.assign(low=low, high=high)[outside]
    return findings(
        rows, exclude_if(d.range_is_verified(rows["instrument"])), "arms",
        lambda r: f"{r.arm}: mean {r.mean:g}, baseline {r.baseline_mean:g}, but {r.instrument} runs from {r.low:g} to "
        f"{r.high:g}",
        "check the version and the scoring: a percentage, a mean per item and a sum are different scales",
    )  # fmt: skip


def zero_weeks(d: Delivery) -> list[Finding]:
    """A result 0 weeks after randomisation, baseline or enrolment: the weeks were not known, not nought."""
    time = ["source", "row_id", "study_id", "time_weeks", "time_basis"]
    rows = pd.concat([d.arm_rows[time], d.reported[time]]).drop_duplicates()
    bad = rows[rows["time_weeks"].eq(0) & rows["time_basis"].isin(AFTER_A_START)]
    return findings(
        bad, WARNING, "row", lambda r: f"measured {r.time_weeks:g} weeks after {r.time_basis}",
        "leave the weeks empty if they are unknown; a baseline value is not a result",
    )  # fmt: skip


def extractor_flag(d: Delivery) -> list[Finding]:
    """A defect that the people who extracted the row noted themselves.

    A note in words ("SUSPECT: ...") is judged whole, keywords joined by ';' one by one.
    """
    place = ["source", "row_id", "study_id", "flag"]
    rows = pd.concat([d.arm_rows[place], d.reported[place]]).drop_duplicates()
    rows = rows[rows["flag"].ne("")]
    rows["note"] = [[f] if ":" in f else [part.strip() for part in f.split(";")] for f in rows["flag"].astype(str)]
    rows = rows.explode("note")
    notes = rows["note"].astype(str)
    rows["rule"] = [next(i for i, (words, _, _) in enumerate(FLAGS) if re.search(words, note)) for note in notes]
    out = []
    for i, (_, severity, what) in enumerate(FLAGS):
        out += findings(rows[rows["rule"].eq(i)], severity, what, lambda r: str(r.note), ADVICE[severity])
    return out
