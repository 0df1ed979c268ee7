"""Reader of the Metapsy data standard, as delivered (';', decimal comma, NA) or cleaned.

Columns: docs.metapsy.org, "Metapsy data standard"; the delivery's own description stands beside the data.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.codebook import Codebook
from pipeline.ingest.cells import numbers, require_columns, slug
from pipeline.ingest.decisions import apply_decisions
from pipeline.ingest.population import COUNTRIES, population_words
from pipeline.ingest.tidy import ReadingReport, Tidy, assemble
from pipeline.tables import read_csv

FILE = "data.csv"
ARM_NUMBERS = {
    "mean": "mean_arm", "sd": "sd_arm", "n": "n_arm", "events": "event_arm", "total": "totaln_arm",
    "baseline_mean": "baseline_m_arm", "baseline_sd": "baseline_sd_arm",
}  # fmt: skip
CHANGE_NUMBERS = {"mean": "mean_change_arm", "sd": "sd_change_arm", "n": "n_change_arm"}
WORDS = (
    "study", "condition_arm1", "condition_arm2", "multi_arm1", "multi_arm2", "outcome_type", "instrument", "rating",
    "time", "format", "country", "diagnosis", "target_group", "recruitment", "sg", "ac", "ba", "itt", "rob", "full_ref",
)  # fmt: skip
NUMBERS = (
    "year", "time_weeks", ".g", ".g_se",
    *(f"{stem}{side}" for stem in (*ARM_NUMBERS.values(), *CHANGE_NUMBERS.values()) for side in "12"),
)  # fmt: skip
# total of four domain judgements (1 = low risk of bias), grouped for display only
ROB_TOTAL = {"0": "high", "1": "high", "2": "some", "3": "some", "4": "low"}


def read_metapsy(folder: Path, book: Codebook, source: str) -> Tidy:
    """Read `data.csv` in the Metapsy standard. The delivered g stands as a reported effect beside the arm values.

    Raises
    ------
    BadInput
        Missing columns, unreadable numbers and words the codebook does not know, each by row.
    """
    raw, decimal = _read(folder / FILE)
    require_columns(raw, (*WORDS, *NUMBERS), FILE)
    report = ReadingReport(source, FILE)
    row_id = pd.Series([f"M{i + 1:04d}" for i in range(len(raw))], dtype=object)
    num = numbers(raw, NUMBERS, FILE, row_id, decimal)

    def code(registry: str, column: str) -> pd.Series:
        return book.resolve_all(registry, raw[column], file=FILE, rows=row_id, column=column)

    rows = pd.DataFrame({"row_id": row_id, "source": source, "study_id": raw["study"].map(slug), "study": raw["study"]})
    rows["year"] = num["year"]
    rows["reference"] = raw["full_ref"].str.split().str.join(" ").where(raw["full_ref"].ne(""), raw["study"])
    rows["country"], rows["setting"] = raw["country"].replace(COUNTRIES), raw["recruitment"]
    rows["population"] = [population_words(p, d) for p, d in zip(raw["target_group"], raw["diagnosis"], strict=True)]
    rows["intervention"], rows["cluster"], rows["stratum"] = raw["condition_arm1"], "", ""
    rows["randomised"], rows["note"], rows["flag"] = "yes", "", ""
    rows["rob"] = raw["rob"].str.removesuffix(".0").map(ROB_TOTAL).fillna("not_assessed")
    rows["rob_detail"] = "Cochrane RoB 1: " + raw[["sg", "ac", "ba", "itt"]].agg("/".join, axis=1)
    rows["outcome"] = code("outcome", "outcome_type")
    event = rows["outcome"].map(lambda o: book.outcomes[o].kind == "event")
    rows["detail"] = raw["outcome_type"].where(event, "")
    rows["instrument"], rows["rating"] = code("instrument", "instrument"), code("rating", "rating")
    rows["arm_1"] = [
        slug(f"{m or c} {f}") for m, c, f in zip(raw["multi_arm1"], raw["condition_arm1"], raw["format"], strict=True)
    ]
    rows["arm_2"] = [slug(m or c) for m, c in zip(raw["multi_arm2"], raw["condition_arm2"], strict=True)]
    cells = zip(raw["condition_arm1"], raw["format"], row_id, strict=True)
    # the standard does not say who delivered the therapy
    read = [book.arm_of(therapy, how, "unclear", file=FILE, row=row) for therapy, how, row in cells]
    rows["condition_1"], rows["role_1"] = [a.condition for a in read], [a.role for a in read]
    rows["modality_1"] = [a.modality for a in read]
    rows["condition_2"] = code("condition", "condition_arm2")
    rows["role_2"], rows["modality_2"] = "none", ""
    _times(rows, raw, num, report)
    _values(rows, raw, num)
    _delivered_g(rows, raw, num, event, report)
    apply_decisions(rows, folder, book, report)
    return assemble(rows, report)


def _read(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's cells with NA as '', and its decimal mark (a ';'-separated delivery writes decimal commas)."""
    with path.open(encoding="utf-8", errors="replace") as f:
        raw_form = ";" in f.readline()
    frame = read_csv(path, sep=";" if raw_form else ",")
    return frame.where(frame.ne("NA"), ""), "," if raw_form else "."


def _times(rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series], report: ReadingReport) -> None:
    zero = num["time_weeks"].eq(0)
    for row in rows.loc[zero, "row_id"]:
        report.add("changed", "0 weeks after randomisation cannot be an end of treatment: weeks unknown", row,
                   "time_weeks", 0.0, "")  # fmt: skip
    rows["time_weeks"] = num["time_weeks"].mask(zero)
    unknown = np.where(raw["time"].eq("post"), "post_treatment", "unspecified")
    rows["time_basis"] = np.where(rows["time_weeks"].isna(), unknown, "randomisation")


def _values(rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series]) -> None:
    change, events = raw["outcome_type"].eq("change"), rows["detail"].ne("")
    rows["value_kind"] = np.select([change, events], ["change", "event"], "endpoint")
    for side in "12":
        for name, stem in ARM_NUMBERS.items():
            rows[f"{name}_{side}"] = num[f"{stem}{side}"]
        for name, stem in CHANGE_NUMBERS.items():
            rows[f"{name}_{side}"] = rows[f"{name}_{side}"].where(~change, num[f"{stem}{side}"])
        rows[f"person_time_{side}"] = np.nan


def _delivered_g(
    rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series], event: pd.Series, report: ReadingReport
) -> None:
    for i in np.flatnonzero(event.to_numpy()):
        report.add("left_out", "the delivered g was converted from events; the events are used as they are",
                   rows.loc[i, "row_id"], ".g", num[".g"].iloc[i], "")  # fmt: skip
    rows["effect"], rows["se"] = num[".g"].mask(event), num[".g_se"].mask(event)
    rows["effect_type"], rows["claimed_sign"] = "hedges_g", "positive_favours_int"
    rows["adjusted"] = rows["cluster_adjusted"] = False
    for name in ("ci_lb", "ci_ub", "level", "icc", "cluster_size", "n_total"):
        rows[name] = np.nan
