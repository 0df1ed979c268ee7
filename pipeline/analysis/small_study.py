"""Do small trials show larger effects? Asked from ten trials on; before that a sentence."""

from __future__ import annotations

from pydantic import Field

from pipeline.analysis.pooled import Fit, Row
from pipeline.meta.small_study.regression_tests import egger, pustejovsky_rodgers
from pipeline.params import Section


class SmallStudyParams(Section):
    """When a test for funnel asymmetry is worth its power (Sterne et al. 2011, BMJ 343:d4002: ten studies)."""

    min_k: int = Field(ge=3)


def small_study_tests(key: str, fit: Fit, params: SmallStudyParams) -> list[Row]:
    """One row of TESTS: the regression test that fits the measure, or why it was not done."""
    smd = fit.measure == "SMD"
    label = "Egger-type regression on sqrt(1/n1 + 1/n2)" if smd else "Egger regression on the standard error"
    test: Row = {"question": key, "test": "egger", "label": label, "k": fit.k, "done": False}
    if fit.k < params.min_k:
        return [test | {"reason": f"fewer than {params.min_k} trials: the test would tell nothing"}]
    sizes = fit.trials[["n_1", "n_2"]].astype(float)
    known = sizes.notna().all(axis=1).to_numpy()
    if smd and known.sum() < params.min_k:
        return [test | {"reason": f"fewer than {params.min_k} trials print the sizes of their arms"}]
    if smd:
        found = pustejovsky_rodgers(fit.yi[known], fit.vi[known], sizes["n_1"][known], sizes["n_2"][known])
    else:
        found = egger(fit.yi, fit.vi)
    return [test | {"done": True, "reason": "", "k": found.k, "statistic": found.statistic, "df": found.df,
                    "p": found.p, "estimate": found.slope, "se": found.se}]  # fmt: skip
