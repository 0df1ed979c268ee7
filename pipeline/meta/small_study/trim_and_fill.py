"""Trim and fill: how many studies would have to be added on one side for the funnel to be symmetric?

A sensitivity analysis under one mechanism (the most extreme effects are missing), not a corrected result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, floats
from pipeline.meta.pooling.random_effects import Pooled, random_effects
from pipeline.meta.pooling.studies import studies
from pipeline.meta.small_study.regression_tests import predictor, regression_test

MAX_ITERATIONS = 100
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class TrimAndFill:
    """Result of trim and fill; shapes (...) unless stated.

    Attributes
    ----------
    k0, k0_se : studies estimated to be missing, and the standard error; NaN where the method's variance is negative
    k0_p : p of the hypothesis that none is missing on this side; NaN unless the estimator is "R0"
    side : "left" or "right": where studies are missing
    pooled : the model fitted to observed and filled studies
    yi, vi : effects and variances, observed ones first, then filled ones, (..., k + largest k0 of the batch)
    fill : True for a filled study
    mask : True for a study that takes part; differs from all True only in a batch
    converged : False where the iterations went in a circle; k0 is then the last of them
    """

    k0: IntArray
    k0_se: FloatArray
    k0_p: FloatArray
    side: str
    pooled: Pooled
    yi: FloatArray
    vi: FloatArray
    fill: BoolArray
    mask: BoolArray
    converged: BoolArray


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Ranks of the absolute deviations with the sign of the deviation: positive is the side of the extreme effects."""

    k: FloatArray
    signed: FloatArray

    @property
    def wilcoxon(self) -> FloatArray:
        """Sum of the positive ranks, T."""
        return np.asarray(np.sum(np.maximum(self.signed, 0), -1))

    def variance(self, k0: FloatArray) -> FloatArray:
        """Variance of T when k0 studies are missing. Duval & Tweedie 2000a."""
        k = self.k
        cubic = 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0
        return np.asarray((k * (k + 1) * (2 * k + 1) + cubic) / 24)


def _run(r: _Ranks) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """R0: length of the run of the largest deviations on the extreme side, less 1."""
    return r.k - np.max(np.maximum(-r.signed, 0), -1) - 1, lambda k0: np.sqrt(2 * np.maximum(k0, 0) + 2)


def _linear(r: _Ranks) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """L0 = (4 T - k (k + 1)) / (2 k - 1)."""
    found = (4 * r.wilcoxon - r.k * (r.k + 1)) / (2 * r.k - 1)
    return found, lambda k0: 4 * np.sqrt(r.variance(k0)) / (2 * r.k - 1)


def _quadratic(r: _Ranks) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """Q0 = k - 1/2 - sqrt(2 k^2 - 4 T + 1/4)."""
    inside = 2 * r.k**2 - 4 * r.wilcoxon + 0.25
    if (inside < 0).any():
        where = "".join(f"[{i}]" for i in np.argwhere(inside < 0)[0])
        raise InvalidInput(f'estimator "Q0" does not exist for effects{where} so lopsided; choose "L0" or "R0"')
    found = r.k - 0.5 - np.sqrt(inside)
    return found, lambda k0: 2 * np.sqrt(r.variance(k0)) / np.sqrt((r.k - 0.5) ** 2 - k0 * (2 * r.k - k0 - 1))


MISSING_STUDIES: dict[str, Callable[[_Ranks], tuple[FloatArray, Callable[[FloatArray], FloatArray]]]] = {
    "L0": _linear,
    "R0": _run,
    "Q0": _quadratic,
}


def trim_and_fill(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    side: str | None = None,
    missing: str = "L0",
    estimator: str = "REML",
    interval: str = "wald",
    level: float = 95,
    limits: tuple[float, float] | None = None,
    mask: ArrayLike | None = None,
) -> TrimAndFill:
    """Duval & Tweedie 2000, Biometrics 56:455 and J Am Stat Assoc 95:89.

    The same model is used for trimming and for the final pooling.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    side : where studies are missing, "left" or "right"; None takes the side opposite to where the small studies lie
        (a mixed-effects regression on the standard error with `estimator`), and is for a single set of studies
    missing : key of MISSING_STUDIES
    estimator, interval, level : as in `random_effects`; estimator "EE" for the common effect
    limits : filled effects are cut at these, for a bounded measure; None for no limits
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `random_effects`; fewer than 2 studies, or 3 without a side; an unknown side or estimator;
        "Q0" where it does not exist.

    Examples
    --------
    >>> t = trim_and_fill([0.1, 0.15, 0.2, 0.5, 0.9, 1.3], [0.01, 0.01, 0.02, 0.1, 0.2, 0.3], side="left")
    >>> int(t.k0), round(float(t.pooled.estimate), 4)
    (2, 0.1538)
    """
    choose("missing", missing, MISSING_STUDIES)
    s = studies(yi, vi, mask=mask)
    if s.k.min() < 2:
        raise InvalidInput(f"trim and fill needs at least 2 studies (found {s.k.min()})")
    on = s.present > 0
    side = _thin_side(s.y, s.v, on, estimator) if side is None else side
    if side not in SIDES:
        raise InvalidInput(f"side {side!r} is not known; choose from {', '.join(SIDES)}")
    if limits is not None and (floats("limits", limits).shape != (2,) or not limits[0] <= limits[1]):
        raise InvalidInput(f"limits must be the smallest and the largest possible effect (found {limits!r})")
    sign = 1.0 if side == "left" else -1.0
    order = np.argsort(np.where(on, sign * s.y, np.inf), axis=-1, kind="stable")
    y, v = np.take_along_axis(sign * s.y, order, -1), np.take_along_axis(s.v, order, -1)
    k0, se, centre, converged = _trim(y, v, s.k.astype(np.float64), missing, estimator)
    filled = _mirror(y, v, s.k, k0, centre)
    effects = sign * filled[0] if limits is None else np.clip(sign * filled[0], *limits)
    every_y, every_v = np.concatenate([s.y, effects], -1), np.concatenate([s.v, filled[1]], -1)
    every, fill = np.concatenate([on, filled[2]], -1), np.concatenate([np.zeros_like(on), filled[2]], -1)
    pooled = random_effects(every_y, every_v, estimator=estimator, interval=interval, level=level, mask=every)
    p = 0.5 ** (k0 + 1) if missing == "R0" else np.full(k0.shape, np.nan)
    return TrimAndFill(
        k0.astype(np.int64)[()], se[()], p[()], side, pooled, every_y, every_v, fill, every, converged[()]
    )


def _trim(
    y: FloatArray, v: FloatArray, k: FloatArray, missing: str, estimator: str
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Studies missing on the left of sorted effects, its standard error, the centre of the trimmed set, converged."""
    place = np.arange(y.shape[-1])
    on = place < k[..., None]
    k0, se, centre = np.zeros(k.shape), np.full(k.shape, np.nan), np.zeros(k.shape)
    done = np.zeros(k.shape, dtype=bool)
    for _ in range(MAX_ITERATIONS):
        trimmed = place < (k - k0)[..., None]
        centre = np.asarray(random_effects(y, v, estimator=estimator, interval="wald", mask=trimmed).estimate)
        deviation = y - centre[..., None]
        rank = np.argsort(np.argsort(np.where(on, np.abs(deviation), np.inf), -1, kind="stable"), -1) + 1
        found, error = MISSING_STUDIES[missing](_Ranks(k, np.where(on, np.sign(deviation) * rank, 0.0)))
        new = np.clip(np.round(found), 0, k - 1)
        with np.errstate(invalid="ignore"):
            se = error(found)
        done = new == k0
        if done.all():
            break
        k0 = new
    return k0, se, centre, done


def _mirror(
    y: FloatArray, v: FloatArray, k: IntArray, k0: FloatArray, centre: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Counterparts of the k0 largest effects about the centre, with the same variances, from the largest inwards."""
    step = np.arange(int(k0.max()))
    at = np.maximum(k[..., None] - 1 - step, 0)
    exists = step < k0[..., None]
    mirrored = 2 * centre[..., None] - np.take_along_axis(y, at, -1)
    return np.where(exists, mirrored, 0.0), np.where(exists, np.take_along_axis(v, at, -1), 1.0), exists


def _thin_side(y: FloatArray, v: FloatArray, on: BoolArray, estimator: str) -> str:
    if y.ndim > 1:
        raise InvalidInput("a batch needs a side: left or right")
    y, v = y[on], v[on]
    slope = regression_test(y, v, predictor("sei", v), model="rma", estimator=estimator).slope
    return "left" if slope > 0 else "right"
