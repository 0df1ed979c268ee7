"""Do small trials show larger effects? Asked from ten trials on; before that a sentence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydantic import Field

from pipeline.analysis.pooled import Fit, Row, shown
from pipeline.meta.arrays import InvalidInput
from pipeline.meta.small_study.excess_significance import excess_significance
from pipeline.meta.small_study.limit_meta_analysis import limit_meta_analysis
from pipeline.meta.small_study.pet_peese import pet_peese
from pipeline.meta.small_study.rank_test import begg
from pipeline.meta.small_study.regression_tests import egger, pustejovsky_rodgers, smd_size
from pipeline.meta.small_study.selection_models import SelectionModel, selection_model
from pipeline.meta.small_study.trim_and_fill import trim_and_fill
from pipeline.params import Section
from pipeline.vocabulary import Better

ADJUSTED = "adjusted for small-study effects"
STEP = 0.025
"""One-sided p below which a trial is significant: the step of the three-parameter selection model."""


class SmallStudyParams(Section):
    """When a test for funnel asymmetry is worth its power (Sterne et al. 2011, BMJ 343:d4002: ten studies)."""

    min_k: int = Field(ge=3)


def small_study_analyses(
    key: str, fit: Fit, params: SmallStudyParams, better: Better | None
) -> tuple[list[Row], list[Row]]:
    """Rows of POOLED with small-study effects allowed for, and rows of TESTS (done, or why not).

    Parameters
    ----------
    better : which end of the outcome is good; the side on which results are thought to be published more easily
    """
    favoured = _favoured(fit, better)
    tests = [_run(key, name, label, fit, params, test, favoured) for name, (label, test) in _tests(fit)]
    if fit.k < params.min_k:
        return [], tests
    return [
        row for name, (label, f) in ADJUSTMENTS.items() if (row := _adjusted(key, name, label, f, fit, favoured))
    ], tests


def _favoured(fit: Fit, better: Better | None) -> int:
    """The sign of the results that are published more easily: the good ones, else those of the mean."""
    if better is not None:
        return -1 if better is Better.LOWER else 1
    return -1 if fit.k and float(np.sum(fit.yi / fit.vi)) < 0 else 1


def _tests(fit: Fit) -> list[tuple[str, tuple[str, Callable[[Fit, int], Row]]]]:
    smd = fit.measure == "SMD"
    label = "Egger-type regression on sqrt(1/n1 + 1/n2)" if smd else "Egger regression on the standard error"
    return [
        ("egger", (label, _regression)),
        ("rank", ("Rank correlation of effects and variances (Begg)", _rank)),
        ("excess", ("More trials with p < .05 than their power makes likely", _excess)),
        ("selection", ("Selection by p value (three-parameter selection model)", _selection)),
    ]


def _run(
    key: str, name: str, label: str, fit: Fit, params: SmallStudyParams, test: Callable[[Fit, int], Row], favoured: int
) -> Row:
    line: Row = {"question": key, "test": name, "label": label, "k": fit.k, "done": False}
    if fit.k < params.min_k:
        return line | {"reason": f"fewer than {params.min_k} trials: the test would tell nothing"}
    if name == "egger" and fit.measure == "SMD" and int(_sized(fit).sum()) < params.min_k:
        return line | {"reason": f"fewer than {params.min_k} trials print the sizes of their arms"}
    try:
        return line | {"done": True, "reason": ""} | test(fit, favoured)
    except InvalidInput as e:
        return line | {"reason": str(e)}


def _sized(fit: Fit) -> np.ndarray:
    return fit.trials[["n_1", "n_2"]].astype(float).notna().all(axis=1).to_numpy()


def _regression(fit: Fit, favoured: int) -> Row:
    if fit.measure == "SMD":
        known, sizes = _sized(fit), fit.trials[["n_1", "n_2"]].astype(float)
        found = pustejovsky_rodgers(fit.yi[known], fit.vi[known], sizes["n_1"][known], sizes["n_2"][known])
    else:
        found = egger(fit.yi, fit.vi)
    return {"k": int(found.k), "statistic": float(found.statistic), "df": float(found.df), "p": float(found.p),
            "estimate": float(found.slope), "se": float(found.se)}  # fmt: skip


def _rank(fit: Fit, favoured: int) -> Row:
    found = begg(fit.yi, fit.vi)
    return {"statistic": float(found.tau), "p": float(found.p)}


def _excess(fit: Fit, favoured: int) -> Row:
    found = excess_significance(fit.yi, fit.vi, theta=fit.random.estimate, tau2=fit.random.tau2)
    return {"statistic": float(found.O), "estimate": float(found.E), "p": float(found.p_exact)}


def _fitted_selection(fit: Fit, favoured: int) -> SelectionModel:
    return selection_model(fit.yi, fit.vi, steps=[STEP], alternative="less" if favoured < 0 else "greater")


def _selection(fit: Fit, favoured: int) -> Row:
    m = _fitted_selection(fit, favoured)
    if not bool(m.converged):
        raise InvalidInput("the model did not converge")
    return {"statistic": float(m.LRT), "df": float(m.LRT_df), "p": float(m.LRT_p), "estimate": float(m.delta[1]),
            "se": float(m.delta_se[1])}  # fmt: skip


Adjusted = tuple[float, float, float, float, float, str]


def _trimmed(fit: Fit, favoured: int) -> Adjusted:
    """The missing trials are those without the favoured result."""
    t = trim_and_fill(
        fit.yi, fit.vi, side="right" if favoured < 0 else "left", estimator=fit.tau2, interval=fit.interval
    )
    p = t.pooled
    how = f"trim and fill, L0: {int(t.k0)} trials filled in"
    return float(p.estimate), float(p.se), float(p.ci_lb), float(p.ci_ub), float(p.tau2), how


def _pet_peese(fit: Fit, favoured: int) -> Adjusted:
    """For an SMD with 1/n1 + 1/n2 in the place of its variance, which holds the effect itself."""
    yi, vi, how = fit.yi, fit.vi, ""
    if fit.measure == "SMD":
        known = _sized(fit)
        sizes = fit.trials[["n_1", "n_2"]].astype(float)[known]
        yi, vi, how = fit.yi[known], smd_size(sizes["n_1"], sizes["n_2"]) ** 2, " on 1/n1 + 1/n2"
    r = pet_peese(yi, vi, direction=favoured)
    how = ("PEESE" if bool(r.uses_peese) else "PET") + how
    return float(r.estimate), float(r.se), float(r.ci_lb), float(r.ci_ub), np.nan, how


def _limit(fit: Fit, favoured: int) -> Adjusted:
    m = limit_meta_analysis(fit.yi, fit.vi, estimator=fit.tau2)
    return float(m.estimate), float(m.se), float(m.ci_lb), float(m.ci_ub), float(m.tau2), "limit meta-analysis"


def _selected(fit: Fit, favoured: int) -> Adjusted | None:
    m = _fitted_selection(fit, favoured)
    if not bool(m.converged):
        return None
    b = (float(m.beta[0]), float(m.se[0]), float(m.ci_lb[0]), float(m.ci_ub[0]))
    return (*b, float(m.tau2), "three-parameter selection model, maximum likelihood")


ADJUSTMENTS: dict[str, tuple[str, Callable[[Fit, int], Adjusted | None]]] = {
    "trim_and_fill": ("Trim and fill", _trimmed),
    "pet_peese": ("PET-PEESE", _pet_peese),
    "limit": ("Limit meta-analysis", _limit),
    "selection": ("Selection model (3PSM)", _selected),
}


def _adjusted(
    key: str, name: str, label: str, method: Callable[[Fit, int], Adjusted | None], fit: Fit, favoured: int
) -> Row | None:
    try:
        found = method(fit, favoured)
    except InvalidInput:  # the row of TESTS says why
        return None
    if found is None:
        return None
    estimate, se, ci_lb, ci_ub, tau2, how = found
    line: Row = {
        "question": key, "analysis": name, "level": "", "label": label, "measure": fit.measure, "model": ADJUSTED,
        "k": fit.k, "n": fit.people, "estimate": estimate, "se": se, "ci_lb": ci_lb, "ci_ub": ci_ub, "tau2": tau2,
        "method": how,
    }  # fmt: skip
    return line | {f"shown_{n}": shown(line[n], fit.measure) for n in ("estimate", "ci_lb", "ci_ub")}
