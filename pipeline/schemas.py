"""The schema of every table at a stage's edge: its columns and their meaning. `pipeline.tables` reads and writes."""

from __future__ import annotations

from dataclasses import dataclass

TEXT, NUMBER, INTEGER, FLAG = "text", "number", "integer", "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """`required` columns may not have empty cells. `ge`/`gt`/`le` bound numbers; `allowed` closes a vocabulary."""

    kind: str
    meaning: str
    required: bool = False
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    key: tuple[str, ...]
    columns: dict[str, Column]


def _text(meaning: str, required: bool = False, allowed: tuple[str, ...] | None = None) -> Column:
    return Column(TEXT, meaning, required, allowed=allowed)


def _number(
    meaning: str, required: bool = False, ge: float | None = None, gt: float | None = None, le: float | None = None
) -> Column:
    return Column(NUMBER, meaning, required, ge, gt, le)


def _flag(meaning: str) -> Column:
    return Column(FLAG, meaning, required=True)


_WHERE = {
    "source": _text("name of the delivery, the folder below data/raw", required=True),
    "study_id": _text("slug of the study label, unique within a source", required=True),
}
_WHAT = {
    "outcome": _text("code of data/codebook/outcome.csv", required=True),
    "detail": _text("outcome as printed, where the code alone would not tell two rows apart"),
    "instrument": _text("code of data/codebook/instrument.csv; empty when the source names none"),
    "rating": _text("who rated", allowed=("self-report", "clinician", "")),
    "time_weeks": _number("weeks after the point named by time_basis; empty when unknown", ge=0),
    "time_basis": _text("what the weeks are counted from, as a code of timepoint_basis.csv"),
}

STUDIES = Table(
    "studies",
    ("source", "study_id"),
    {
        **_WHERE,
        "study": _text("label as printed", required=True),
        "year": Column(INTEGER, "year of publication"),
        "reference": _text("where the numbers were read: citation, DOI or PMID", required=True),
        "setting": _text("as printed"),
        "country": _text("as printed"),
        "population": _text("as printed"),
        "intervention": _text("as printed"),
        "randomised": _text("was allocation random", required=True, allowed=("yes", "no", "unclear")),
        "rob": _text("overall risk of bias", required=True, allowed=("low", "some", "high", "not_assessed")),
        "rob_detail": _text("tool and domain judgements as delivered"),
        "cluster": _text("cluster design as printed"),
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
        **_WHERE,
        "stratum": _text("separately reported group of people within a trial; empty when there is one"),
        "arm": _text("slug that tells the arms of one trial apart", required=True),
        "condition": _text("code of data/codebook/condition.csv", required=True),
        "role": _text("code of data/codebook/role.csv", required=True),
        "modality": _text("code of data/codebook/modality.csv"),
        **_WHAT,
        "value_kind": _text(
            "what the mean is a mean of", required=True, allowed=("endpoint", "change", "count", "event")
        ),
        "n": _number("people analysed (means)"),
        "mean": _number("arm mean in scale units"),
        "sd": _number("standard deviation in scale units"),
        "events": _number("people with the event"),
        "total": _number("people observed for the event"),
        "person_time": _number("person-weeks observed, for counts"),
        "baseline_mean": _number("mean before the start"),
        "baseline_sd": _number("standard deviation before the start"),
        "source_rows": _text("row ids of the delivery, '|' between them", required=True),
        "reference": _text("where this row's numbers were read", required=True),
        "note": _text("note of the delivery"),
        "flag": _text("defect noted by the extractors, or a decision of this project not to use the row"),
    },
)

REPORTED = Table(
    "reported",
    ("source", "row_id"),
    {
        **_WHERE,
        "row_id": _text("row id of the delivery", required=True),
        "stratum": STUDY_ARMS.columns["stratum"],
        "arm_1": _text("arm of the intervention", required=True),
        "arm_2": _text("arm of the comparator", required=True),
        **_WHAT,
        "effect_type": _text("code of data/codebook/effect_type.csv", required=True),
        "adjusted": _flag("covariates or baseline were adjusted for"),
        "cluster_adjusted": _flag("the standard error carries the clustering"),
        "effect": _number("as printed", required=True),
        "se": _number("standard error as printed"),
        "ci_lb": _number("lower limit as printed"),
        "ci_ub": _number("upper limit as printed"),
        "level": _number("confidence level of the interval, percent", ge=50, le=99.9),
        "claimed_sign": _text("the source's sign convention, code of effect_sign.csv"),
        "n_1": _number("people in arm 1"),
        "n_2": _number("people in arm 2"),
        "n_total": _number("people in both arms, where only their sum is printed"),
        "icc": _number("intraclass correlation stated for the adjustment", ge=-1, le=1),
        "cluster_size": _number("average cluster size stated for the adjustment", ge=1),
        "reference": STUDY_ARMS.columns["reference"],
        "note": STUDY_ARMS.columns["note"],
        "flag": STUDY_ARMS.columns["flag"],
    },
)

READING = Table(
    "reading",
    ("source", "row", "column", "what", "before", "after", "why"),
    {
        "source": _WHERE["source"],
        "file": _text("file name", required=True),
        "row": _text("row id, or '' for the whole file"),
        "column": _text("column, or ''"),
        "what": _text(
            "what was done", required=True, allowed=("read", "mapped", "changed", "refused", "left_out", "kept")
        ),
        "before": _text("value as delivered"),
        "after": _text("value as used"),
        "why": _text("reason, in words", required=True),
    },
)

LINKS = Table(
    "links",
    ("source", "study_id"),
    {
        **_WHERE,
        "trial_id": _text("one id per randomised trial, across sources", required=True),
        "evidence": _text("why these reports are the same trial", required=True),
        "certain": _flag("false: they may overlap; only the first enters a pool"),
    },
)

ISSUES = Table(
    "issues",
    ("source", "row_id", "check"),
    {
        "source": _WHERE["source"],
        "row_id": _text("row id of the delivery", required=True),
        "study_id": _text("study it belongs to"),
        "study": _text("label as printed"),
        "check": _text("name of the check", required=True),
        "gate": _text(
            "form, contradiction or plausibility", required=True, allowed=("form", "contradiction", "plausibility")
        ),
        "severity": _text(
            "error, exclude, warning or note", required=True, allowed=("error", "exclude", "warning", "note")
        ),
        "applies_to": _text(
            "what must not be used: the whole row, its reported effect, or its arm values",
            required=True,
            allowed=("row", "reported", "arms"),
        ),
        "evidence": _text("the numbers that show it", required=True),
        "advice": _text("what to do", required=True),
    },
)

EFFECTS = Table(
    "effects",
    ("effect_id",),
    {
        "effect_id": _text("source:rows:measure:basis, unique", required=True),
        "source": _WHERE["source"],
        "source_rows": STUDY_ARMS.columns["source_rows"],
        "trial_id": _text("id of the randomised trial", required=True),
        "study_id": _WHERE["study_id"],
        "study": _text("label as printed", required=True),
        "year": Column(INTEGER, "year of publication"),
        "stratum": STUDY_ARMS.columns["stratum"],
        "arm_1": _text("arm of the intervention", required=True),
        "condition_1": _text("what arm 1 received", required=True),
        "role_1": _text("who gave it", required=True),
        "modality_1": _text("how"),
        "arm_2": _text("arm of the comparator", required=True),
        "condition_2": _text("what arm 2 received", required=True),
        "role_2": _text("who gave it", required=True),
        **_WHAT,
        "measure": _text("SMD, MD, ROM, RR, OR, RD, IRR or HR; empty when none applies"),
        "basis": _text(
            "what it was computed from",
            required=True,
            allowed=("means", "change", "counts", "events", "reported", "reported_adjusted", "reference_sd", "none"),
        ),
        "in_change": _flag("standardised by the spread of changes: never pooled with SMDs of end points"),
        "yi": _number("effect in natural direction (positive = higher value in arm 1); log scale for ratios"),
        "vi": _number("sampling variance of yi", gt=0),
        "vi_arm_2": _number("the part of vi that comes from arm 2: what two contrasts with one control share", ge=0),
        "risk_2": _number("share of people with the event in arm 2", ge=0, le=1),
        "n_1": _number("people in arm 1"),
        "n_2": _number("people in arm 2"),
        "n": _number("people in both arms"),
        "arm_data": _text("what the source prints for the two arms, e.g. '12.1 (5), n 41 v 13 (4.8), n 39'"),
        "design_effect": _number("variance inflation applied here for clustering; 1 when none was", ge=1),
        "clustering": _text(
            "none, carried by the source, applied here, or unknown", allowed=("none", "carried", "applied", "unknown")
        ),
        "rob": _text("overall risk of bias", required=True, allowed=("low", "some", "high", "not_assessed")),
        "randomised": _text("was allocation random", required=True, allowed=("yes", "no", "unclear")),
        "status": _text("ok, excluded or not_computable", required=True, allowed=("ok", "excluded", "not_computable")),
        "reason_code": _text(
            "why it is not ok: not_randomised, check, reference_sd or not_computable",
            allowed=("not_randomised", "check", "reference_sd", "not_computable", ""),
        ),
        "reason": _text("the same in words, with the numbers that show it"),
        "report_rank": Column(
            INTEGER, "order of the reports of one trial: certain links first, then the deliveries", required=True, ge=0
        ),
        "reference": STUDY_ARMS.columns["reference"],
        "note": _text("what a reader should know about it"),
    },
)

STUDIES_USED = Table(
    "studies_used",
    ("question", "trial_id", "effect_id"),
    {
        "question": _text("key of params.questions", required=True),
        "trial_id": EFFECTS.columns["trial_id"],
        "effect_id": _text("one effect, or several joined by '+' when strata were combined", required=True),
        "study": EFFECTS.columns["study"],
        "year": EFFECTS.columns["year"],
        "used": _flag("enters the main analysis"),
        "reason": _text("why not, in words; or how it was chosen"),
        "measure": _text("effect measure, or ''"),
        "basis": EFFECTS.columns["basis"],
        "yi": _number("effect on the analysis scale, natural direction"),
        "vi": _number("its sampling variance"),
        "ci_lb": _number("95 % Wald limit, analysis scale"),
        "ci_ub": _number("95 % Wald limit, analysis scale"),
        "shown_yi": _number("effect as shown (ratios exponentiated)"),
        "shown_ci_lb": _number("lower limit as shown"),
        "shown_ci_ub": _number("upper limit as shown"),
        "weight": _number("weight in the main analysis, percent"),
        "effects": Column(INTEGER, "effects of the trial that qualify; the main analysis may take in all of them"),
        "n_1": EFFECTS.columns["n_1"],
        "n_2": EFFECTS.columns["n_2"],
        "n": EFFECTS.columns["n"],
        "condition_1": EFFECTS.columns["condition_1"],
        "role_1": EFFECTS.columns["role_1"],
        "modality_1": EFFECTS.columns["modality_1"],
        "condition_2": EFFECTS.columns["condition_2"],
        "instrument": _WHAT["instrument"],
        "rating": _WHAT["rating"],
        "time_weeks": _WHAT["time_weeks"],
        "time_basis": _WHAT["time_basis"],
        "clustering": EFFECTS.columns["clustering"],
        "rob": EFFECTS.columns["rob"],
        "country": _text("as printed"),
        "population": _text("as printed"),
        "arm_data": EFFECTS.columns["arm_data"],
        "reference": STUDY_ARMS.columns["reference"],
        "note": EFFECTS.columns["note"],
    },
)

MODELS = (
    "random effects", "common effect", "single trial", "correlated and hierarchical effects", "Bayesian random effects",
    "Mantel-Haenszel", "adjusted for small-study effects",
)  # fmt: skip

POOLED = Table(
    "pooled",
    ("question", "analysis", "level"),
    {
        "question": _text("key of params.questions", required=True),
        "analysis": _text(
            "main, common_effect, one_per_trial, several_effects, plain_hk, wald, tau2_<estimator>, pi_k2, "
            "leave_one_out, subgroup_<moderator>, ...",
            required=True,
        ),
        "level": _text("the trial left out, the subgroup's level, or ''"),
        "label": _text("the analysis in words", required=True),
        "measure": _text("effect measure", required=True),
        "model": _text("how it was pooled", required=True, allowed=MODELS),
        "k": Column(INTEGER, "trials", required=True),
        "effects": Column(INTEGER, "effects, where a trial may give several"),
        "n": _number("people, where every trial gives its number"),
        "estimate": _number("pooled effect, analysis scale, natural direction"),
        "se": _number("its standard error, the interval's own"),
        "ci_lb": _number("95 % limit"),
        "ci_ub": _number("95 % limit"),
        "pi_lb": _number("95 % prediction limit"),
        "pi_ub": _number("95 % prediction limit"),
        "pi_df": _number("degrees of freedom of the prediction interval"),
        "statistic": _number("t or z"),
        "df": _number("degrees of freedom of the test; empty for z"),
        "p": _number("two-sided", ge=0, le=1),
        "tau2": _number("between-trial variance", ge=0),
        "tau2_lb": _number("Q-profile limit", ge=0),
        "tau2_ub": _number("Q-profile limit", ge=0),
        "I2": _number("percent, from tau2", ge=0, le=100),
        "H2": _number("from tau2", ge=1),
        "Q": _number("Cochran's Q", ge=0),
        "Q_df": _number("its degrees of freedom"),
        "Q_p": _number("its p", ge=0, le=1),
        "converged": _text("yes, no, or '' where nothing is iterated", allowed=("yes", "no", "")),
        "method": _text("estimator and interval in words", required=True),
        "shown_estimate": _number("as shown (ratios exponentiated)"),
        "shown_ci_lb": _number("as shown"),
        "shown_ci_ub": _number("as shown"),
        "shown_pi_lb": _number("as shown"),
        "shown_pi_ub": _number("as shown"),
    },
)

TESTS = Table(
    "tests",
    ("question", "test"),
    {
        "question": _text("key of params.questions", required=True),
        "test": _text("egger, rank, subgroup_<moderator>, moderator_<variable>, ...", required=True),
        "label": _text("the test in words", required=True),
        "done": _flag("false: `reason` says why not"),
        "reason": _text("why it was not done"),
        "k": Column(INTEGER, "trials", required=True),
        "statistic": _number("t, z or Q"),
        "df": _number("degrees of freedom"),
        "p": _number("two-sided", ge=0, le=1),
        "estimate": _number("slope, intercept or limit estimate, where the test has one"),
        "se": _number("its standard error"),
        "ci_lb": _number("95 % limit"),
        "ci_ub": _number("95 % limit"),
        "p_permutation": _number("permutation p, two-sided", ge=0, le=1),
        "R2": _number("share of the between-trial variance that goes with the moderator, percent", ge=0, le=100),
    },
)

INFLUENCE = Table(
    "influence",
    ("question", "trial_id"),
    {
        "question": _text("key of params.questions", required=True),
        "trial_id": EFFECTS.columns["trial_id"],
        "study": EFFECTS.columns["study"],
        "rstudent": _number("residual from the other trials' mean, in standard errors"),
        "dffits": _number("change of the fitted mean, in standard errors"),
        "cook_d": _number("Cook's distance", ge=0),
        "cov_r": _number("variance of the mean without the trial over that with it", ge=0),
        "tau2_del": _number("between-trial variance without the trial", ge=0),
        "Q_del": _number("Cochran's Q without the trial", ge=0),
        "hat": _number("leverage", ge=0),
        "weight": _number("percent"),
        "baujat_x": _number("contribution to Cochran's Q", ge=0),
        "baujat_y": _number("squared change of the mean, in its variance without the trial", ge=0),
        "influential": _flag("a diagnostic passes its usual bound"),
    },
)

TRANSLATED = Table(
    "translated",
    ("question", "unit"),
    {
        "question": _text("key of params.questions", required=True),
        "unit": _text("points_<instrument>, per_1000, percent, scale or share_better", required=True),
        "label": _text("the unit in words", required=True),
        "k": Column(INTEGER, "trials behind it", required=True),
        "estimate": _number("pooled effect in this unit"),
        "ci_lb": _number("95 % limit"),
        "ci_ub": _number("95 % limit"),
        "reference": _number("risk per 1000 in the comparator, or the SD used"),
        "basis": _text("how it was translated, and the source of the reference value", required=True),
    },
)

PUBLISHED = Table(
    "published",
    ("id",),
    {
        "id": _text("id that params.questions names under `published`", required=True),
        "review": _text("first author or name of the review", required=True),
        "year": Column(INTEGER, "year of publication"),
        "reference": _text("where the result was read", required=True),
        "comparison": _text("as printed", required=True),
        "outcome": _text("as printed", required=True),
        "population": _text("as printed"),
        "measure": _text("as printed", required=True),
        "k": Column(INTEGER, "trials"),
        "n": _number("people"),
        "estimate": _number("as printed", required=True),
        "ci_lb": _number("95 % limit as printed", required=True),
        "ci_ub": _number("95 % limit as printed", required=True),
        "better_is_negative": _flag("a number below zero (or one) favours peer support"),
        "note": _text("what a reader must know about it"),
    },
)

OVERVIEW = Table(
    "overview",
    ("question",),
    {
        "question": _text("key of params.questions", required=True),
        "measure": _text("effect measure, '' without a trial"),
        "k": Column(INTEGER, "trials used", required=True),
        "found": Column(INTEGER, "trials found", required=True),
        "n": _number("people"),
        **{
            name: POOLED.columns[name]
            for name in ("shown_estimate", "shown_ci_lb", "shown_ci_ub", "shown_pi_lb", "shown_pi_ub", "tau2", "I2")
        },
    },
)

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        STUDIES,
        STUDY_ARMS,
        REPORTED,
        READING,
        LINKS,
        ISSUES,
        EFFECTS,
        STUDIES_USED,
        POOLED,
        TESTS,
        INFLUENCE,
        TRANSLATED,
        PUBLISHED,
        OVERVIEW,
    )
}
