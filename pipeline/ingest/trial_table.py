"""Reader of the project's own trial table: one CSV row per printed contrast (columns: docs/data.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.codebook import Codebook
from pipeline.errors import BadInput, Problem
from pipeline.ingest.cells import numbers, require_columns, slug
from pipeline.ingest.changes import (
    compare_directions,
    keep_percentages,
    log_mapped_words,
    log_standard_errors,
    turn_complements,
    unknown_end_of_treatment,
)
from pipeline.ingest.decisions import apply_decisions
from pipeline.ingest.population import COUNTRIES, coded_population
from pipeline.ingest.tidy import ReadingReport, Tidy, assemble
from pipeline.tables import read_csv

FILE = "trials.csv"
NUMBERS = (
    "year",
    "timepoint_weeks",
    "n_int",
    "mean_int",
    "sd_int",
    "n_ctl",
    "mean_ctl",
    "sd_ctl",
    "events_int",
    "total_int",
    "events_ctl",
    "total_ctl",
    "baseline_mean_int",
    "baseline_sd_int",
    "baseline_mean_ctl",
    "baseline_sd_ctl",
    "effect",
    "effect_se",
    "ci_low",
    "ci_high",
)
OPTIONAL_NUMBERS = ("person_weeks_int", "person_weeks_ctl")
WORDS = (
    "row_id",
    "study",
    "doi_or_pmid",
    "setting",
    "country",
    "population",
    "intervention",
    "peer_role",
    "delivery",
    "comparator",
    "outcome",
    "outcome_domain",
    "instrument",
    "direction",
    "timepoint_basis",
    "mean_kind",
    "effect_type",
    "effect_sign",
    "rob",
    "cluster_info",
    "source_ref",
    "note",
    "qa_flag",
)
VALUE_KIND = {
    "": "endpoint",
    "endpoint": "endpoint",
    "change": "change",
    "percent": "event",
    "remission": "event",
    "other statistic": "endpoint",
}


def read_trial_table(folder: Path, book: Codebook, source: str) -> Tidy:
    """Read `trials.csv` of a delivery, with its `decisions.csv` if there is one.

    Raises
    ------
    BadInput
        Missing columns, unreadable numbers and words the codebook does not know, each by row.
    """
    raw = read_csv(folder / FILE)
    require_columns(raw, (*WORDS, *NUMBERS), FILE)
    report = ReadingReport(source, FILE)
    raw = raw.assign(**{name: "" for name in OPTIONAL_NUMBERS if name not in raw.columns})
    num = numbers(raw, (*NUMBERS, *OPTIONAL_NUMBERS), FILE, raw["row_id"])

    def code(registry: str, column: str) -> pd.Series:
        return book.resolve_all(registry, raw[column], file=FILE, rows=raw["row_id"], column=column)

    rows = pd.DataFrame({"row_id": raw["row_id"], "source": source, "study_id": raw["study"].map(slug)})
    for name in ("study", "setting", "country", "population", "intervention", "note"):
        rows[name] = raw[name]
    rows["population"] = raw["population"].map(coded_population)
    rows["country"] = raw["country"].replace(COUNTRIES)
    rows["year"] = num["year"]
    rows["reference"] = [_reference(r, d) for r, d in zip(raw["source_ref"], raw["doi_or_pmid"], strict=True)]
    rows["flag"] = raw["qa_flag"]
    rows["randomised"] = np.select(
        [raw["qa_flag"].str.contains("not_randomised"), raw["qa_flag"].str.contains("randomisation_not_read")],
        ["no", "unclear"],
        "yes",
    )
    rows["rob"] = code("rob", "rob").replace("", "not_assessed")
    rows["rob_detail"], rows["cluster"] = raw["rob"], raw["cluster_info"]
    rows["detail"] = raw["outcome"]
    complement = _outcomes(rows, raw, book)
    rows["rating"] = ""
    rows["time_weeks"], rows["time_basis"] = num["timepoint_weeks"], code("timepoint_basis", "timepoint_basis")
    rows["arm_1"], rows["arm_2"] = raw["intervention"].map(slug), raw["comparator"].map(slug)
    _arms(rows, raw, book)
    rows["condition_2"], rows["role_2"], rows["modality_2"] = code("condition", "comparator"), "none", ""
    _values(rows, raw, num)
    _effects(rows, raw, num, book)
    log_mapped_words(rows, raw, report)
    log_standard_errors(rows, raw, num, report)
    compare_directions(rows, raw, complement, book, report)
    keep_percentages(rows, raw, num, report)
    turn_complements(rows, complement, report)
    unknown_end_of_treatment(rows, report)
    rows["stratum"] = _strata(rows)
    apply_decisions(rows, folder, book, report)
    return assemble(rows, report)


def _reference(read_in: str, ids: str) -> str:
    """The citation, and where the numbers were read when that is not the publication itself."""
    read_in = read_in.split(" row id ")[0].strip().rstrip(";")
    if read_in.count(")") > read_in.count("("):
        read_in = read_in.rstrip(")")
    if read_in.startswith("github "):
        citation = "" if ids.startswith("eppi_id") else f"{ids.rstrip('.')}. "
        return f"{citation}Read in: {read_in}"
    return read_in if not ids or ids.split(";")[0].strip() in read_in else f"{read_in} [{ids}]"


def _each(cells: Iterable[tuple[str, ...]], read: Callable[..., Any]) -> list[Any]:
    """`read` of every row; every refused row at once."""
    found: list[Any] = []
    problems: list[Problem] = []
    for words in cells:
        try:
            found.append(read(*words))
        except BadInput as e:
            problems += e.problems
    if problems:
        raise BadInput(problems)
    return found


def _outcomes(rows: pd.DataFrame, raw: pd.DataFrame, book: Codebook) -> pd.Series:
    """Set outcome and instrument codes; True where the source counts the opposite of the outcome's event."""
    cells = zip(raw["outcome_domain"], raw["outcome"], raw["instrument"], raw["row_id"], strict=True)
    found = _each(cells, lambda domain, text, name, row: book.outcome_of(domain, text, name, file=FILE, row=row))
    rows["outcome"], rows["instrument"] = [f.outcome for f in found], [f.instrument for f in found]
    return pd.Series([f.event_is == "complement" for f in found])


def _arms(rows: pd.DataFrame, raw: pd.DataFrame, book: Codebook) -> None:
    """What the intervention arm received, how, and from whom: per arm, not per study."""
    cells = zip(raw["intervention"], raw["delivery"], raw["peer_role"], raw["row_id"], strict=True)
    found = _each(cells, lambda what, how, who, row: book.arm_of(what, how, who, file=FILE, row=row))
    rows["condition_1"], rows["role_1"] = [f.condition for f in found], [f.role for f in found]
    rows["modality_1"] = [f.modality for f in found]


def _values(rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series]) -> None:
    kind = raw["mean_kind"].str.split(" (", regex=False).str[0].map(VALUE_KIND)
    if kind.isna().any():
        words = ", ".join(w or "(empty)" for w in VALUE_KIND) + ", with an explanation in brackets"
        raise BadInput(
            Problem(FILE, "is not a known kind of mean", "correct the cell", row, "mean_kind", word, words)
            for row, word in raw.loc[kind.isna(), ["row_id", "mean_kind"]].itertuples(index=False)
        )
    kind = kind.mask(raw["mean_kind"].str.contains("count|binomial"), "count")
    rates = num["person_weeks_int"].notna() & num["person_weeks_ctl"].notna()
    kind = kind.where(num["events_int"].isna() & num["events_ctl"].isna(), "event").mask(rates, "count")
    rows["value_kind"] = kind
    errors = raw["mean_kind"].str.contains("standard error", case=False)
    for side, end in (("1", "int"), ("2", "ctl")):
        rows[f"n_{side}"] = num[f"n_{end}"]
        percent = raw["mean_kind"].eq("percent")
        rows[f"mean_{side}"] = num[f"mean_{end}"].mask(percent)
        rows[f"sd_{side}"] = num[f"sd_{end}"].where(~errors, num[f"sd_{end}"] * np.sqrt(num[f"n_{end}"]))
        rows[f"events_{side}"], rows[f"total_{side}"] = num[f"events_{end}"], num[f"total_{end}"]
        rows[f"baseline_mean_{side}"], rows[f"baseline_sd_{side}"] = (
            num[f"baseline_mean_{end}"],
            num[f"baseline_sd_{end}"],
        )
        rows[f"person_time_{side}"] = num[f"person_weeks_{end}"]


def _effects(rows: pd.DataFrame, raw: pd.DataFrame, num: dict[str, pd.Series], book: Codebook) -> None:
    rows["effect_type"] = book.resolve_all(
        "effect_type", raw["effect_type"], file=FILE, rows=raw["row_id"], column="effect_type"
    )
    rows["claimed_sign"] = book.resolve_all(
        "effect_sign", raw["effect_sign"], file=FILE, rows=raw["row_id"], column="effect_sign"
    )
    kinds = [book.effect_types.get(t) for t in rows["effect_type"]]
    rows["adjusted"] = [k is not None and k.adjusted for k in kinds]
    cluster_analysis = raw["cluster_info"].str.contains("adjusted for clustering|cluster trial analysis|GEE|multilevel")
    cluster_analysis &= ~raw["cluster_info"].str.contains("not adjusted for clustering")
    rows["cluster_adjusted"] = cluster_analysis | np.array([k is not None and k.cluster_adjusted for k in kinds])
    rows["effect"], rows["se"], rows["ci_lb"], rows["ci_ub"] = (
        num["effect"],
        num["effect_se"],
        num["ci_low"],
        num["ci_high"],
    )
    rows["level"] = np.where(rows["ci_lb"].notna(), 95.0, np.nan)
    rows["n_total"] = np.nan
    parts = raw["cluster_info"].str.extract(r"icc=([0-9]*\.?[0-9]+)\S*\s+avg_cluster=([0-9]*\.?[0-9]+)").astype(float)
    rows["icc"], rows["cluster_size"] = parts[0], parts[1]


def _strata(rows: pd.DataFrame) -> pd.Series:
    """The population or country where it is all that tells two rows of a study apart."""
    key = ["study_id", "outcome", "detail", "instrument", "time_weeks", "time_basis", "arm_1", "arm_2"]
    stratum = pd.Series("", index=rows.index)
    for _, group in rows.groupby(key, dropna=False):
        for name in ("population", "country"):
            if len(group) > 1 and group[name].is_unique:
                stratum[group.index] = group[name].map(slug)
                break
    return stratum
