"""PET and PEESE: the effect that a study without sampling error would have, by regression on its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, probability
from pipeline.meta.pooling.studies import studies
from pipeline.meta.small_study.regression_tests import RegressionTest, regression_test


@dataclass(frozen=True, slots=True)
class PetPeese:
    """Precision-effect test and estimate; fields of shape (...).

    Attributes
    ----------
    pet : regression on the standard error; its `limit` is the estimate, its `slope` the Egger test
    peese : regression on the sampling variance
    pet_t, pet_p : test of PET's limit = 0, two-sided; NaN where all studies lie exactly on one line
    peese_t, peese_p : test of PEESE's limit = 0, two-sided; NaN as above
    uses_peese : the conditional rule took PEESE
    estimate, se, ci_lb, ci_ub : of the regression that the conditional rule took
    """

    pet: RegressionTest
    peese: RegressionTest
    pet_t: FloatArray
    pet_p: FloatArray
    peese_t: FloatArray
    peese_p: FloatArray
    uses_peese: BoolArray
    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray


def pet_peese(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    model: str = "lm",
    estimator: str = "REML",
    interval: str = "wald",
    level: float = 95,
    rule_level: float = 95,
    direction: int = 1,
    mask: ArrayLike | None = None,
) -> PetPeese:
    """Stanley & Doucouliagos 2014, Res Synth Methods 5:60: PEESE if PET finds an effect, else PET.

    Unreliable with few studies or large heterogeneity (Stanley 2017, Soc Psychol Personal Sci 8:581).

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    model, estimator, interval, level : of both regressions, as in `regression_test`
    rule_level : PET finds an effect when its one-sided p is below 1 - rule_level / 100
    direction : 1 if the effect is expected to be positive, -1 if negative
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `regression_test`; a direction other than 1 or -1.

    Examples
    --------
    >>> r = pet_peese([0.9, 0.6, 0.5, 0.2], [0.20, 0.10, 0.05, 0.01])
    >>> bool(r.uses_peese), round(float(r.estimate), 4)
    (False, 0.0009)
    """
    s = studies(yi, vi, mask=mask)
    on = s.present > 0
    pet, peese = (
        regression_test(s.y, s.v, x, model=model, estimator=estimator, interval=interval, level=level, mask=on)
        for x in (np.sqrt(s.v), s.v)
    )
    if not isinstance(direction, (int, np.integer)) or direction not in (-1, 1):
        raise InvalidInput(f"direction must be 1 or -1 (found {direction!r})")
    (pet_t, pet_p, one), (peese_t, peese_p, _) = (_test(r, direction) for r in (pet, peese))
    use = np.asarray(one < probability(rule_level))
    took = {
        name: np.where(use, getattr(peese, name), getattr(pet, name))[()]
        for name in ("limit", "limit_se", "limit_lb", "limit_ub")
    }
    return PetPeese(
        pet, peese, pet_t, pet_p, peese_t, peese_p, use[()],
        took["limit"], took["limit_se"], took["limit_lb"], took["limit_ub"],
    )  # fmt: skip


def _test(r: RegressionTest, direction: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """t of the limit, its two-sided p and the p in the expected direction."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(np.asarray(r.limit_se) > 0, r.limit / r.limit_se, np.nan)
    df = np.asarray(r.df, dtype=np.float64)
    normal = np.isnan(df)
    lower = np.where(normal, special.ndtr(-direction * t), special.stdtr(np.where(normal, 1.0, df), -direction * t))
    return t[()], (2 * np.minimum(lower, 1 - lower))[()], lower[()]
