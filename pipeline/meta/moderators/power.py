"""Power of a meta-analysis before it is done: of the mean effect, of heterogeneity, of a moderator.

The analytic formulas take the between-study variance as known; `simulated_power` does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers, probability, together
from pipeline.meta.guards import fitting, instance, spread
from pipeline.meta.moderators.wald import wald_test
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.pooling.studies import studies


@dataclass(frozen=True, slots=True)
class Power:
    """Power of a test.

    Attributes
    ----------
    noncentrality : of the test statistic: a mean of z, or the parameter of chi-square
    power : probability that the test rejects
    """

    noncentrality: FloatArray
    power: FloatArray


def smd_variance(d: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> FloatArray:
    """Sampling variance of a standardised mean difference, (n1 + n2) / (n1 n2) + d^2 / (2 (n1 + n2)).

    Hedges & Olkin 1985, Statistical Methods for Meta-Analysis, ch. 5.

    Examples
    --------
    >>> round(float(smd_variance(0.2, 25, 25)), 4)
    0.0804
    """
    effect, a, b = together({"d": numbers("d", d), "n1": numbers("n1", n1, gt=1), "n2": numbers("n2", n2, gt=1)})
    return 1 / a + 1 / b + effect**2 / (2 * (a + b))


def _two_sided(shift: FloatArray, alpha: float) -> FloatArray:
    z = special.ndtri(1 - alpha / 2)
    return special.ndtr(shift - z) + special.ndtr(-shift - z)


ALTERNATIVES: dict[str, Callable[[FloatArray, float], FloatArray]] = {
    "two-sided": _two_sided,
    "greater": lambda shift, alpha: special.ndtr(shift - special.ndtri(1 - alpha)),
    "less": lambda shift, alpha: special.ndtr(-shift - special.ndtri(1 - alpha)),
}


def power_mean(
    effect: ArrayLike,
    v: ArrayLike,
    k: ArrayLike,
    *,
    tau2: ArrayLike = 0.0,
    alternative: str = "two-sided",
    level: float = 95,
) -> Power:
    """Power of the z test of the mean effect of k studies of variance v. Hedges & Pigott 2001, Psychol Methods 6:203.

    Parameters
    ----------
    effect, v, k, tau2 : broadcast together; `v` the variance of a typical study, `tau2` 0 for a common effect
    alternative : key of ALTERNATIVES
    level : 100 (1 - alpha)

    Raises
    ------
    InvalidInput
        v <= 0, k < 1, tau2 < 0, shapes that do not fit, an unknown alternative.

    Examples
    --------
    >>> round(float(power_mean(0.2, 0.0804, 10, tau2=0.0402).power), 4)
    0.4449
    """
    choose("alternative", alternative, ALTERNATIVES)
    given = {"effect": numbers("effect", effect), "v": numbers("v", v, gt=0)}
    e, s, n, t = fitting(given | {"k": numbers("k", k, ge=1), "tau2": numbers("tau2", tau2, ge=0)})
    shift = e / np.sqrt((s + t) / n)
    return Power(shift[()], ALTERNATIVES[alternative](shift, probability(level))[()])


def studies_needed(
    effect: ArrayLike,
    v: ArrayLike,
    *,
    power: float = 0.8,
    tau2: ArrayLike = 0.0,
    alternative: str = "two-sided",
    level: float = 95,
) -> FloatArray:
    """Smallest number of studies with which `power_mean` reaches `power`; infinite without an effect on that side.

    Arguments and errors as `power_mean`; `power` lies between alpha and 1.

    Examples
    --------
    >>> float(studies_needed(0.2, 0.0804, tau2=0.0402))
    24.0
    """
    if not probability(level) < float(spread("power", numbers("power", power), ())) < 1:
        raise InvalidInput(f"power must be between alpha and 1 (found {power!r})")

    def reached(k: FloatArray) -> BoolArray:
        return np.asarray(power_mean(effect, v, k, tau2=tau2, alternative=alternative, level=level).power >= power)

    given = {"effect": numbers("effect", effect), "v": numbers("v", v, gt=0), "tau2": numbers("tau2", tau2, ge=0)}
    shape = fitting(given)[0].shape
    low, high = np.zeros(shape), np.full(shape, 2.0**50)
    possible = reached(high)
    for _ in range(51):
        middle = np.floor((low + high) / 2)
        enough = reached(np.maximum(middle, 1.0)) & (middle >= 1)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(possible, high, np.inf)[()]


def power_heterogeneity(vi: ArrayLike, tau2: ArrayLike, *, level: float = 95) -> Power:
    """Power of Cochran's Q when the effects vary by tau2. Hedges & Pigott 2001; exact for equal variances.

    Q is taken for a multiple of chi-square with Q's own mean and variance (Satterthwaite), 2 tr(PSPS) for the variance
    with S = V + tau2 I. `noncentrality` is the mean of Q above its degrees of freedom.

    Parameters
    ----------
    vi : sampling variances, (..., k)
    tau2 : between-study variance, (...)

    Examples
    --------
    >>> round(float(power_heterogeneity([0.08] * 10, 0.08).power), 4)
    0.4886
    """
    v, t = numbers("vi", vi, gt=0), numbers("tau2", tau2, ge=0)
    k = v.shape[-1] if v.ndim else 0
    if k < 2:
        raise InvalidInput(f"heterogeneity needs at least 2 studies (found {k})")
    fits = fitting({"vi without its last axis": v[..., 0], "tau2": t})[0]
    v = np.broadcast_to(v, (*fits.shape, k))
    s = studies(np.zeros(v.shape), v)
    total = v + t[..., None]
    mean, variance = s.fit().trace(total), 2 * s.fit().trace_squared(total)
    critical = special.chdtri(k - 1, probability(level))
    power = special.chdtrc(2 * mean**2 / variance, 2 * mean / variance * critical)
    return Power((mean - (k - 1))[()], power[()])


def power_fixed_heterogeneity(vi: ArrayLike, effects: ArrayLike, *, level: float = 95) -> Power:
    """Power of Cochran's Q when the studies' true effects are these: noncentral chi-square. Hedges & Pigott 2001.

    Examples
    --------
    >>> round(float(power_fixed_heterogeneity([0.04] * 4, [0.0, 0.2, 0.4, 0.6]).power), 4)
    0.4405
    """
    s = studies(effects, vi)
    if int(s.k.min()) < 2:
        raise InvalidInput("heterogeneity needs at least 2 studies")
    apart = np.sum(s.fit().residuals(s.y) ** 2, -1)
    return _chi_square(apart, s.k - 1, probability(level))


def power_moderator(
    beta: ArrayLike,
    design: ArrayLike,
    vi: ArrayLike,
    hypothesis: ArrayLike,
    *,
    tau2: ArrayLike = 0.0,
    level: float = 95,
) -> Power:
    """Power of the Wald test L b = 0 of a meta-regression. Hedges & Pigott 2004, Psychol Methods 9:426.

    Subgroups are a design of indicators, and L their differences: then the noncentrality is that of Q between.

    Parameters
    ----------
    beta : coefficients that are to be found, (p,)
    design : (k, p)
    vi : sampling variances, (..., k)
    hypothesis : L, (m, p) or (p,)
    tau2 : residual between-study variance, (...); 0 for a common effect

    Raises
    ------
    InvalidInput
        Shapes that do not fit, dependent rows.

    Examples
    --------
    >>> x = [[1, 0]] * 5 + [[1, 1]] * 5
    >>> round(float(power_moderator([0.2, 0.4], x, [0.05] * 10, [0, 1], tau2=0.02).power), 4)
    0.6666
    """
    t = numbers("tau2", tau2, ge=0)
    sampling = numbers("vi", vi, gt=0)
    if sampling.ndim == 0:
        raise InvalidInput("vi must have shape (..., k): found one number")
    fitting({"vi without its last axis": sampling[..., 0], "tau2": t})
    v = sampling + t[..., None]
    s = studies(np.zeros(v.shape), v, design)
    test = wald_test(numbers("beta", beta), s.fit().inverse_information(), hypothesis)
    return _chi_square(test.statistic, test.df1, probability(level))


def power_subgroups(means: ArrayLike, k: ArrayLike, v: ArrayLike, *, tau2: ArrayLike = 0.0, level: float = 95) -> Power:
    """Power of Q between subgroups of k studies of variance v and true means. Hedges & Pigott 2004.

    Parameters
    ----------
    means, k, v, tau2 : of each subgroup, (..., G), broadcast together

    Examples
    --------
    >>> round(float(power_subgroups([0.2, 0.6], [5, 5], 0.05, tau2=0.02).power), 4)
    0.6666
    """
    given = {"means": numbers("means", means), "k": numbers("k", k, ge=1)}
    m, n, s, t = fitting(given | {"v": numbers("v", v, gt=0), "tau2": numbers("tau2", tau2, ge=0)})
    if m.ndim == 0 or m.shape[-1] < 2:
        raise InvalidInput("a difference needs at least 2 subgroups")
    return power_fixed_heterogeneity((s + t) / n, m, level=level)


def simulated_power(
    effect: float,
    vi: ArrayLike,
    tau2: float,
    rng: np.random.Generator,
    *,
    replicates: int = 10_000,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
) -> Power:
    """Share of simulated meta-analyses whose interval leaves out 0, tau2 being estimated each time.

    Jackson & Turner 2017, Res Synth Methods 8:290: with few studies the analytic power of a random-effects analysis is
    too hopeful. The standard error of the result is sqrt(power (1 - power) / replicates).

    Parameters
    ----------
    effect, tau2 : true mean and between-study variance
    vi : sampling variances of the planned studies, (k,)
    rng : source of random numbers
    estimator, interval : of `random_effects`

    Raises
    ------
    InvalidInput
        Anything but one number for effect and tau2, tau2 < 0, vi of another shape, no rng, and as `random_effects`.

    Examples
    --------
    >>> p = simulated_power(0.5, [0.05] * 8, 0.02, np.random.default_rng(1), replicates=500)
    >>> bool(0.85 < p.power < 1)
    True
    """
    v = numbers("vi", vi, gt=0)
    effect, t = (float(spread(name, numbers(name, x), ())) for name, x in (("effect", effect), ("tau2", tau2)))
    numbers("tau2", t, ge=0)
    instance("rng", rng, np.random.Generator)
    instance("replicates", replicates, int, np.integer)
    if v.ndim != 1 or replicates < 1:
        raise InvalidInput(f"vi must be (k,) and replicates at least 1: vi {v.shape}, replicates {replicates}")
    y = effect + rng.standard_normal((replicates, v.size)) * np.sqrt(v + t)
    fit = random_effects(y, np.broadcast_to(v, y.shape), estimator=estimator, interval=interval, level=level)
    shift = np.asarray(effect / np.sqrt(1 / np.sum(1 / (v + t))))
    return Power(shift[()], np.asarray(np.mean(fit.p < probability(level)))[()])


def _chi_square(noncentrality: ArrayLike, df: ArrayLike, alpha: float) -> Power:
    apart, d = np.asarray(noncentrality, dtype=np.float64), np.asarray(df, dtype=np.float64)
    critical = special.chdtri(d, alpha)
    return Power(apart[()], (1 - special.chndtr(critical, d, apart))[()])
