"""What single trials do to the result, as rows of INFLUENCE."""

from __future__ import annotations

from pydantic import Field

from pipeline.analysis.pooled import Fit, Row
from pipeline.meta.influence.baujat import baujat
from pipeline.meta.influence.diagnostics import influence
from pipeline.params import Section


class InfluenceParams(Section):
    """From how many trials one trial can be told from the others."""

    min_k: int = Field(ge=3)


def influence_rows(key: str, fit: Fit, params: InfluenceParams) -> list[Row]:
    """One row for each trial of the main analysis; none below `min_k` trials."""
    if fit.k < params.min_k:
        return []
    d = influence(fit.yi, fit.vi, estimator=fit.tau2)
    b = baujat(fit.yi, fit.vi)
    columns = {
        "rstudent": d.rstudent, "dffits": d.dffits, "cook_d": d.cook_d, "cov_r": d.cov_r, "tau2_del": d.tau2_del,
        "Q_del": d.QE_del, "hat": d.hat, "weight": d.weight, "baujat_x": b.x, "baujat_y": b.y,
    }  # fmt: skip
    return [
        {"question": key, "trial_id": trial, "study": study, "influential": bool(d.is_infl[i])}
        | {name: float(values[i]) for name, values in columns.items()}
        for i, (trial, study) in enumerate(zip(fit.trials["trial_id"], fit.trials["study"], strict=True))
    ]
