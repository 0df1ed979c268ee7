"""Tables of what was delivered: trials, arms, printed results, and what the checks found in them."""

from __future__ import annotations

from pipeline.schemas.columns import INTEGER, Column, Table, flag, number, text

WHERE = {
    "source": text("name of the delivery, the folder below data/raw", required=True),
    "study_id": text("slug of the study label, unique within a source", required=True),
}
WHAT = {
    "outcome": text("code of data/codebook/outcome.csv", required=True),
    "detail": text("outcome as printed, where the code alone would not tell two rows apart"),
    "instrument": text("code of data/codebook/instrument.csv; empty when the source names none"),
    "rating": text("who rated", allowed=("self-report", "clinician", "")),
    "time_weeks": number("weeks after the point named by time_basis; empty when unknown", ge=0),
    "time_basis": text("what the weeks are counted from, as a code of timepoint_basis.csv"),
}

STUDIES = Table(
    "studies",
    ("source", "study_id"),
    {
        **WHERE,
        "study": text("label as printed", required=True),
        "year": Column(INTEGER, "year of publication"),
        "reference": text("where the numbers were read: citation, DOI or PMID", required=True),
        "setting": text("as printed"),
        "country": text("as printed"),
        "population": text("as printed"),
        "intervention": text("as printed"),
        "randomised": text("was allocation random", required=True, allowed=("yes", "no", "unclear")),
        "rob": text("overall risk of bias", required=True, allowed=("low", "some", "high", "not_assessed")),
        "rob_detail": text("tool and domain judgements as delivered"),
        "cluster": text("cluster design as printed"),
    },
)

STUDY_ARMS = Table(
    "study_arms",
    (
        "source",
        "study_id",
        "stratum",
        "outcome",
        "detail",
        "instrument",
        "rating",
        "time_weeks",
        "time_basis",
        "value_kind",
        "arm",
    ),
    {
        **WHERE,
        "stratum": text("separately reported group of people within a trial; empty when there is one"),
        "arm": text("slug that tells the arms of one trial apart", required=True),
        "condition": text("code of data/codebook/condition.csv", required=True),
        "role": text("code of data/codebook/role.csv", required=True),
        "modality": text("code of data/codebook/modality.csv"),
        **WHAT,
        "value_kind": text(
            "what the mean is a mean of", required=True, allowed=("endpoint", "change", "count", "event")
        ),
        "n": number("people analysed (means)"),
        "mean": number("arm mean in scale units"),
        "sd": number("standard deviation in scale units"),
        "events": number("people with the event"),
        "total": number("people observed for the event"),
        "person_time": number("person-weeks observed, for counts"),
        "baseline_mean": number("mean before the start"),
        "baseline_sd": number("standard deviation before the start"),
        "source_rows": text("row ids of the delivery, '|' between them", required=True),
        "reference": text("where this row's numbers were read", required=True),
        "note": text("note of the delivery"),
        "flag": text("defect noted by the extractors, or a decision of this project not to use the row"),
    },
)

REPORTED = Table(
    "reported",
    ("source", "row_id"),
    {
        **WHERE,
        "row_id": text("row id of the delivery", required=True),
        "stratum": STUDY_ARMS.columns["stratum"],
        "arm_1": text("arm of the intervention", required=True),
        "arm_2": text("arm of the comparator", required=True),
        **WHAT,
        "effect_type": text("code of data/codebook/effect_type.csv", required=True),
        "adjusted": flag("covariates or baseline were adjusted for"),
        "cluster_adjusted": flag("the standard error carries the clustering"),
        "effect": number("as printed", required=True),
        "se": number("standard error as printed"),
        "ci_lb": number("lower limit as printed"),
        "ci_ub": number("upper limit as printed"),
        "level": number("confidence level of the interval, percent", ge=50, le=99.9),
        "claimed_sign": text("the source's sign convention, code of effect_sign.csv"),
        "n_1": number("people in arm 1"),
        "n_2": number("people in arm 2"),
        "n_total": number("people in both arms, where only their sum is printed"),
        "icc": number("intraclass correlation stated for the adjustment", ge=-1, le=1),
        "cluster_size": number("average cluster size stated for the adjustment", ge=1),
        "reference": STUDY_ARMS.columns["reference"],
        "note": STUDY_ARMS.columns["note"],
        "flag": STUDY_ARMS.columns["flag"],
    },
)

READING = Table(
    "reading",
    ("source", "row", "column", "what", "before", "after", "why"),
    {
        "source": WHERE["source"],
        "file": text("file name", required=True),
        "row": text("row id, or '' for the whole file"),
        "column": text("column, or ''"),
        "what": text(
            "what was done", required=True, allowed=("read", "mapped", "changed", "refused", "left_out", "kept")
        ),
        "before": text("value as delivered"),
        "after": text("value as used"),
        "why": text("reason, in words", required=True),
    },
)

LINKS = Table(
    "links",
    ("source", "study_id"),
    {
        **WHERE,
        "trial_id": text("one id per randomised trial, across sources", required=True),
        "evidence": text("why these reports are the same trial", required=True),
        "certain": flag("false: they may overlap; only the first enters a pool"),
    },
)

ISSUES = Table(
    "issues",
    ("source", "row_id", "check"),
    {
        "source": WHERE["source"],
        "row_id": text("row id of the delivery", required=True),
        "study_id": text("study it belongs to"),
        "study": text("label as printed"),
        "check": text("name of the check", required=True),
        "gate": text(
            "form, contradiction or plausibility", required=True, allowed=("form", "contradiction", "plausibility")
        ),
        "severity": text(
            "error, exclude, warning or note", required=True, allowed=("error", "exclude", "warning", "note")
        ),
        "applies_to": text(
            "what must not be used: the whole row, its reported effect, or its arm values",
            required=True,
            allowed=("row", "reported", "arms"),
        ),
        "evidence": text("the numbers that show it", required=True),
        "advice": text("what to do", required=True),
    },
)
