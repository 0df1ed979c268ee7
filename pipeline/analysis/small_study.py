"""Do small trials show larger effects? Asked from ten trials on; before that a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from pydantic import Field

from pipeline.analysis.pooled import Fit, Row, shown
from pipeline.meta.arrays import FloatArray, InvalidInput
from pipeline.meta.small_study.excess_significance import excess_significance
from pipeline.meta.small_study.limit_meta_analysis import limit_meta_analysis
from pipeline.meta.small_study.pet_peese import pet_peese
from pipeline.meta.small_study.rank_test import begg
from pipeline.meta.small_study.regression_tests import regression_test, smd_size
from pipeline.meta.small_study.selection_models import SelectionModel, selection_model
from pipeline.meta.small_study.trim_and_fill import trim_and_fill
from pipeline.params import Section
from pipeline.vocabulary import Better, PooledModel

STEP = 0.025
"""One-sided p below which a trial is significant: the step of the three-parameter selection model."""
FEWEST_PER_INTERVAL = 4
"""Trials that each side of the step needs before a selection model is fitted."""


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
    on = "sqrt(1/n1 + 1/n2)" if smd else "the standard error"
    by = " with 1/n1 + 1/n2" if smd else " with variances"
    return [
        ("egger", (f"Egger-type meta-regression on {on}", _regression)),
        ("rank", (f"Rank correlation of effects{by} (Begg)", _rank)),
        ("excess", ("More trials with p < .05 than their power makes likely", _excess)),
        ("selection", ("Selection by p value (three-parameter selection model)", _selection)),
    ]


def _run(
    key: str, name: str, label: str, fit: Fit, params: SmallStudyParams, test: Callable[[Fit, int], Row], favoured: int
) -> Row:
    line: Row = {"question": key, "test": name, "label": label, "k": fit.k, "done": False}
    if fit.k < params.min_k:
        return line | {"reason": f"fewer than {params.min_k} trials: the test would tell nothing"}
    if name in ("egger", "rank") and len(_sized(fit)[0]) < params.min_k:
        return line | {"reason": f"fewer than {params.min_k} trials print the sizes of their arms"}
    try:
        return line | {"done": True, "reason": ""} | test(fit, favoured)
    except InvalidInput as e:
        return line | {"reason": str(e)}


def _sized(fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Effects, and variances that do not hold the effect itself: for an SMD 1/n1 + 1/n2, where both are known.

    An SMD is related to its own variance without any bias (Pustejovsky & Rodgers 2019, Res Synth Methods 10:57).
    """
    if fit.measure != "SMD":
        return fit.yi, fit.vi
    sizes = fit.trials[["n_1", "n_2"]].astype(float)
    known = sizes.notna().all(axis=1).to_numpy()
    return fit.yi[known], smd_size(sizes["n_1"][known], sizes["n_2"][known]) ** 2


def _regression(fit: Fit, favoured: int) -> Row:
    """With additive between-trial variance: multiplicative dispersion rejects too often where trials differ widely."""
    yi, vi = _sized(fit)
    r = regression_test(yi, vi, np.sqrt(vi), model="rma", estimator=fit.tau2, interval=fit.interval)
    return {"k": int(r.k), "statistic": float(r.statistic), "df": float(r.df), "p": float(r.p),
            "estimate": float(r.slope), "se": float(r.se)}  # fmt: skip


def _rank(fit: Fit, favoured: int) -> Row:
    yi, vi = _sized(fit)
    found = begg(yi, vi)
    return {"k": len(yi), "statistic": float(found.tau), "p": float(found.p)}


def _excess(fit: Fit, favoured: int) -> Row:
    found = excess_significance(fit.yi, fit.vi, theta=fit.random.estimate, tau2=fit.random.tau2)
    return {"statistic": float(found.O), "estimate": float(found.E), "p": float(found.p_exact)}


def _fitted_selection(fit: Fit, favoured: int) -> SelectionModel:
    """Refused where the data cannot carry it: too few trials on one side of the step, or an estimate at an end."""
    m = selection_model(fit.yi, fit.vi, steps=[STEP], alternative="less" if favoured < 0 else "greater")
    inside, outside = (int(n) for n in m.counts)
    if min(inside, outside) < FEWEST_PER_INTERVAL:
        raise InvalidInput(
            f"{inside} trials with p < {STEP:g} in the good direction and {outside} others: fewer than "
            f"{FEWEST_PER_INTERVAL} on one side tell nothing of selection"
        )
    if not bool(m.converged) or bool(m.boundary):
        raise InvalidInput("the estimate lies at the end of its range: the data do not fit the model")
    return m


def _selection(fit: Fit, favoured: int) -> Row:
    m = _fitted_selection(fit, favoured)
    return {"statistic": float(m.LRT), "df": float(m.LRT_df), "p": float(m.LRT_p), "estimate": float(m.delta[1]),
            "se": float(m.delta_se[1])}  # fmt: skip


class Adjusted(NamedTuple):
    """A mean with small-study effects allowed for."""

    method: str
    k: int
    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    p: FloatArray
    tau2: FloatArray


def _trimmed(fit: Fit, favoured: int) -> Adjusted:
    """The missing trials are those without the favoured result."""
    t = trim_and_fill(
        fit.yi, fit.vi, side="right" if favoured < 0 else "left", estimator=fit.tau2, interval=fit.interval
    )
    p = t.pooled
    how = f"trim and fill, L0: {int(t.k0)} trials filled in"
    return Adjusted(how, fit.k, p.estimate, p.se, p.ci_lb, p.ci_ub, p.p, p.tau2)


def _pet_peese(fit: Fit, favoured: int) -> Adjusted:
    yi, vi = _sized(fit)
    r = pet_peese(yi, vi, model="rma", estimator=fit.tau2, interval=fit.interval, direction=favoured)
    p = r.peese_p if bool(r.uses_peese) else r.pet_p
    how = "PEESE" if bool(r.uses_peese) else "PET"
    how += ", mixed-effects regression"
    return Adjusted(how, len(yi), r.estimate, r.se, r.ci_lb, r.ci_ub, p, np.array(np.nan))


def _limit(fit: Fit, favoured: int) -> Adjusted:
    yi, vi = _sized(fit)
    m = limit_meta_analysis(yi, vi, estimator=fit.tau2)
    return Adjusted("limit meta-analysis", len(yi), m.estimate, m.se, m.ci_lb, m.ci_ub, m.p, m.tau2)


def _selected(fit: Fit, favoured: int) -> Adjusted:
    m = _fitted_selection(fit, favoured)
    how = "three-parameter selection model, maximum likelihood"
    return Adjusted(how, fit.k, m.beta[0], m.se[0], m.ci_lb[0], m.ci_ub[0], m.p[0], m.tau2)


ADJUSTMENTS: dict[str, tuple[str, Callable[[Fit, int], Adjusted]]] = {
    "trim_and_fill": ("Trim and fill", _trimmed),
    "pet_peese": ("PET-PEESE", _pet_peese),
    "limit": ("Limit meta-analysis", _limit),
    "selection": ("Selection model (3PSM)", _selected),
}


def _adjusted(
    key: str, name: str, label: str, method: Callable[[Fit, int], Adjusted], fit: Fit, favoured: int
) -> Row | None:
    try:
        found = method(fit, favoured)
    except InvalidInput:  # too few sizes, equal sizes, a model that does not fit: the row of TESTS says why
        return None
    line: Row = {
        "question": key, "analysis": name, "level": "", "label": label, "measure": fit.measure,
        "model": PooledModel.ADJUSTED, "k": found.k, "n": fit.people if found.k == fit.k else np.nan,
        "method": found.method,
    } | {name: float(getattr(found, name)) for name in ("estimate", "se", "ci_lb", "ci_ub", "p", "tau2")}  # fmt: skip
    return line | {f"shown_{n}": shown(line[n], fit.measure) for n in ("estimate", "ci_lb", "ci_ub")}
