"""Tables of what was computed: effects, pooled results and what the reports show."""

from __future__ import annotations

from pipeline.schemas.columns import INTEGER, Column, Table, flag, number, text
from pipeline.schemas.evidence import STUDY_ARMS, WHAT, WHERE
from pipeline.vocabulary import PooledModel

EFFECTS = Table(
    "effects",
    ("effect_id",),
    {
        "effect_id": text("source:rows:measure:basis, unique", required=True),
        "source": WHERE["source"],
        "source_rows": STUDY_ARMS.columns["source_rows"],
        "trial_id": text("id of the randomised trial", required=True),
        "study_id": WHERE["study_id"],
        "study": text("label as printed", required=True),
        "year": Column(INTEGER, "year of publication"),
        "stratum": STUDY_ARMS.columns["stratum"],
        "arm_1": text("arm of the intervention", required=True),
        "condition_1": text("what arm 1 received", required=True),
        "role_1": text("who gave it", required=True),
        "modality_1": text("how"),
        "arm_2": text("arm of the comparator", required=True),
        "condition_2": text("what arm 2 received", required=True),
        "role_2": text("who gave it", required=True),
        **WHAT,
        "measure": text("SMD, MD, ROM, RR, OR, RD, IRR or HR; empty when none applies"),
        "basis": text(
            "what it was computed from",
            required=True,
            allowed=("means", "change", "counts", "events", "reported", "reported_adjusted", "reference_sd", "none"),
        ),
        "in_change": flag("standardised by the spread of changes: never pooled with SMDs of end points"),
        "yi": number("effect in natural direction (positive = higher value in arm 1); log scale for ratios"),
        "vi": number("sampling variance of yi", gt=0),
        "vi_arm_2": number("the part of vi that comes from arm 2: what two contrasts with one control share", ge=0),
        "risk_2": number("share of people with the event in arm 2", ge=0, le=1),
        "n_1": number("people in arm 1"),
        "n_2": number("people in arm 2"),
        "n": number("people in both arms"),
        "arm_data": text("what the source prints for the two arms, e.g. '12.1 (5), n 41 v 13 (4.8), n 39'"),
        "design_effect": number("variance inflation applied here for clustering; 1 when none was", ge=1),
        "clustering": text(
            "none, carried by the source, applied here, or unknown", allowed=("none", "carried", "applied", "unknown")
        ),
        "rob": text("overall risk of bias", required=True, allowed=("low", "some", "high", "not_assessed")),
        "randomised": text("was allocation random", required=True, allowed=("yes", "no", "unclear")),
        "status": text("ok, excluded or not_computable", required=True, allowed=("ok", "excluded", "not_computable")),
        "reason_code": text(
            "why it is not ok: not_randomised, check, reference_sd or not_computable",
            allowed=("not_randomised", "check", "reference_sd", "not_computable", ""),
        ),
        "reason": text("the same in words, with the numbers that show it"),
        "report_rank": Column(
            INTEGER, "order of the reports of one trial: certain links first, then the deliveries", required=True, ge=0
        ),
        "reference": STUDY_ARMS.columns["reference"],
        "note": text("what a reader should know about it"),
    },
)

STUDIES_USED = Table(
    "studies_used",
    ("question", "trial_id", "effect_id"),
    {
        "question": text("key of params.questions", required=True),
        "trial_id": EFFECTS.columns["trial_id"],
        "effect_id": text("one effect, or several joined by '+' when strata were combined", required=True),
        "study": EFFECTS.columns["study"],
        "year": EFFECTS.columns["year"],
        "used": flag("enters the main analysis"),
        "reason": text("why not, in words; or how it was chosen"),
        "measure": text("effect measure, or ''"),
        "basis": EFFECTS.columns["basis"],
        "yi": number("effect on the analysis scale, natural direction"),
        "vi": number("its sampling variance"),
        "ci_lb": number("95 % Wald limit, analysis scale"),
        "ci_ub": number("95 % Wald limit, analysis scale"),
        "shown_yi": number("effect as shown (ratios exponentiated)"),
        "shown_ci_lb": number("lower limit as shown"),
        "shown_ci_ub": number("upper limit as shown"),
        "weight": number("weight in the main analysis, percent"),
        "effects": Column(INTEGER, "effects of the trial that qualify; the main analysis may take in all of them"),
        "n_1": EFFECTS.columns["n_1"],
        "n_2": EFFECTS.columns["n_2"],
        "n": EFFECTS.columns["n"],
        "condition_1": EFFECTS.columns["condition_1"],
        "role_1": EFFECTS.columns["role_1"],
        "modality_1": EFFECTS.columns["modality_1"],
        "condition_2": EFFECTS.columns["condition_2"],
        "instrument": WHAT["instrument"],
        "rating": WHAT["rating"],
        "time_weeks": WHAT["time_weeks"],
        "time_basis": WHAT["time_basis"],
        "clustering": EFFECTS.columns["clustering"],
        "rob": EFFECTS.columns["rob"],
        "country": text("as printed"),
        "population": text("as printed"),
        "arm_data": EFFECTS.columns["arm_data"],
        "reference": STUDY_ARMS.columns["reference"],
        "note": EFFECTS.columns["note"],
    },
)

POOLED = Table(
    "pooled",
    ("question", "analysis", "level"),
    {
        "question": text("key of params.questions", required=True),
        "analysis": text(
            "main, common_effect, one_per_trial, several_effects, plain_hk, wald, tau2_<estimator>, pi_k2, "
            "leave_one_out, subgroup_<moderator>, ...",
            required=True,
        ),
        "level": text("the trial left out, the subgroup's level, or ''"),
        "label": text("the analysis in words", required=True),
        "measure": text("effect measure", required=True),
        "model": text("how it was pooled", required=True, allowed=tuple(PooledModel)),
        "k": Column(INTEGER, "trials", required=True),
        "effects": Column(INTEGER, "effects, where a trial may give several"),
        "n": number("people, where every trial gives its number"),
        "estimate": number("pooled effect, analysis scale, natural direction"),
        "se": number("its standard error, the interval's own"),
        "ci_lb": number("95 % limit"),
        "ci_ub": number("95 % limit"),
        "pi_lb": number("95 % prediction limit"),
        "pi_ub": number("95 % prediction limit"),
        "pi_df": number("degrees of freedom of the prediction interval"),
        "statistic": number("t or z"),
        "df": number("degrees of freedom of the test; empty for z"),
        "p": number("two-sided", ge=0, le=1),
        "tau2": number("between-trial variance", ge=0),
        "tau2_lb": number("Q-profile limit", ge=0),
        "tau2_ub": number("Q-profile limit", ge=0),
        "I2": number("percent, from tau2", ge=0, le=100),
        "H2": number("from tau2", ge=1),
        "Q": number("Cochran's Q", ge=0),
        "Q_df": number("its degrees of freedom"),
        "Q_p": number("its p", ge=0, le=1),
        "converged": text("yes, no, or '' where nothing is iterated", allowed=("yes", "no", "")),
        "method": text("estimator and interval in words", required=True),
        "shown_estimate": number("as shown (ratios exponentiated)"),
        "shown_ci_lb": number("as shown"),
        "shown_ci_ub": number("as shown"),
        "shown_pi_lb": number("as shown"),
        "shown_pi_ub": number("as shown"),
    },
)

TESTS = Table(
    "tests",
    ("question", "test"),
    {
        "question": text("key of params.questions", required=True),
        "test": text("egger, rank, subgroup_<moderator>, moderator_<variable>, ...", required=True),
        "label": text("the test in words", required=True),
        "done": flag("false: `reason` says why not"),
        "reason": text("why it was not done"),
        "k": Column(INTEGER, "trials", required=True),
        "statistic": number("t, z or Q"),
        "df": number("degrees of freedom"),
        "p": number("two-sided", ge=0, le=1),
        "estimate": number("slope, intercept or limit estimate, where the test has one"),
        "se": number("its standard error"),
        "ci_lb": number("95 % limit"),
        "ci_ub": number("95 % limit"),
        "p_permutation": number("permutation p, two-sided", ge=0, le=1),
        "R2": number("share of the between-trial variance that goes with the moderator, percent", ge=0, le=100),
    },
)

INFLUENCE = Table(
    "influence",
    ("question", "trial_id"),
    {
        "question": text("key of params.questions", required=True),
        "trial_id": EFFECTS.columns["trial_id"],
        "study": EFFECTS.columns["study"],
        "rstudent": number("residual from the other trials' mean, in standard errors"),
        "dffits": number("change of the fitted mean, in standard errors"),
        "cook_d": number("Cook's distance", ge=0),
        "cov_r": number("variance of the mean without the trial over that with it", ge=0),
        "tau2_del": number("between-trial variance without the trial", ge=0),
        "Q_del": number("Cochran's Q without the trial", ge=0),
        "hat": number("leverage", ge=0),
        "weight": number("percent"),
        "baujat_x": number("contribution to Cochran's Q", ge=0),
        "baujat_y": number("squared change of the mean, in its variance without the trial", ge=0),
        "influential": flag("a diagnostic passes its usual bound"),
    },
)

TRANSLATED = Table(
    "translated",
    ("question", "unit"),
    {
        "question": text("key of params.questions", required=True),
        "unit": text("points_<instrument>, per_1000, percent, scale or share_better", required=True),
        "label": text("the unit in words", required=True),
        "k": Column(INTEGER, "trials behind it", required=True),
        "estimate": number("pooled effect in this unit"),
        "ci_lb": number("95 % limit"),
        "ci_ub": number("95 % limit"),
        "reference": number("risk per 1000 in the comparator, or the SD used"),
        "basis": text("how it was translated, and the source of the reference value", required=True),
    },
)

PUBLISHED = Table(
    "published",
    ("id",),
    {
        "id": text("id that params.questions names under `published`", required=True),
        "review": text("first author or name of the review", required=True),
        "year": Column(INTEGER, "year of publication"),
        "reference": text("where the result was read", required=True),
        "comparison": text("as printed", required=True),
        "outcome": text("as printed", required=True),
        "population": text("as printed"),
        "measure": text("as printed", required=True),
        "k": Column(INTEGER, "trials"),
        "n": number("people"),
        "estimate": number("as printed", required=True),
        "ci_lb": number("95 % limit as printed", required=True),
        "ci_ub": number("95 % limit as printed", required=True),
        "better_is_negative": flag("a number below zero (or one) favours peer support"),
        "note": text("what a reader must know about it"),
    },
)

OVERVIEW = Table(
    "overview",
    ("question",),
    {
        "question": text("key of params.questions", required=True),
        "measure": text("effect measure, '' without a trial"),
        "k": Column(INTEGER, "trials used", required=True),
        "found": Column(INTEGER, "trials found", required=True),
        "n": number("people"),
        **{
            name: POOLED.columns[name]
            for name in ("shown_estimate", "shown_ci_lb", "shown_ci_ub", "shown_pi_lb", "shown_pi_ub", "tau2", "I2")
        },
    },
)
