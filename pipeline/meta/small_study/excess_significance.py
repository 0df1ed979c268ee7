"""Test of excess significance: are more studies significant than their power allows?

Not a test of publication bias by itself, and not valid under strong heterogeneity. Ioannidis & Trikalinos 2007, Clin
Trials 4:245; exact form: Francis 2013, J Math Psychol 57:153.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, numbers, probability
from pipeline.meta.guards import spread
from pipeline.meta.pooling.studies import Studies, studies

MAX_ITERATIONS = 200
ALTERNATIVES = ("greater", "less", "two.sided")


@dataclass(frozen=True, slots=True)
class ExcessSignificance:
    """Result of the test; shapes (...), for studies (..., k).

    Attributes
    ----------
    k : studies
    O, E, ratio : significant studies observed and expected from their power, and O / E
    power : power of each study at `theta`; 0 where a study takes no part
    significant : is the study significant
    theta, tau2 : true effect and between-study variance at which power was taken
    X2 : Pearson's chi-square (O - E)^2 / E + (O - E)^2 / (k - E)
    p_chi2, p_binomial, p_exact : p by chi-square, by a binomial with probability E / k, and by the distribution of a
        sum of k trials with the power of each (Poisson-binomial), in the direction of `alternative`
    theta_limit : effect at which p of the chosen test equals the level of the test; NaN where no effect between the
        null and infinity does that
    """

    k: IntArray
    O: IntArray  # noqa: E741
    E: FloatArray
    ratio: FloatArray
    power: FloatArray
    significant: BoolArray
    theta: FloatArray
    tau2: FloatArray
    X2: FloatArray
    p_chi2: FloatArray
    p_binomial: FloatArray
    p_exact: FloatArray
    theta_limit: FloatArray


def excess_significance(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    theta: ArrayLike | None = None,
    tau2: ArrayLike = 0.0,
    null: float = 0.0,
    sided: str = "two.sided",
    level: float = 95,
    alternative: str = "greater",
    limit_test: str = "exact",
    limit_level: float = 90,
    mask: ArrayLike | None = None,
) -> ExcessSignificance:
    """Compare significant studies with the number expected at a true effect.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    theta : true effect, shape (...); None for the mean with weights 1 / (vi + tau2)
    tau2 : between-study variance of the true effects over which power is averaged, shape (...)
    null : effect under the hypothesis that each study tested
    sided : direction of the studies' own tests: "two.sided", "greater" or "less"
    level : of the studies' own tests, percent; 95 is alpha = .05
    alternative : of the test of excess: "greater" (more significant studies than expected), "less" or "two.sided"
    limit_test, limit_level : test (key of EXCESS_TESTS) and level (percent) that define `theta_limit`; it is looked for
        between `null` and infinity on the side that the studies' tests look at, or that of `theta` if two-sided
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`; an unknown side, alternative or test; tau2 < 0; theta or tau2 of another shape than the batch; a
        null that is not one finite number.

    Examples
    --------
    >>> t = excess_significance([0.5, 0.6, 0.7, 0.1], [0.05, 0.06, 0.09, 0.04])
    >>> int(t.O), round(float(t.E), 4), round(float(t.p_exact), 4)
    (3, 1.689, 0.2)
    """
    for name, value in (("sided", sided), ("alternative", alternative)):
        if value not in ALTERNATIVES:
            raise InvalidInput(f"{name} {value!r} is not known; choose from {', '.join(ALTERNATIVES)}")
    choose("limit_test", limit_test, EXCESS_TESTS)
    s = studies(yi, vi, mask=mask)
    null = float(spread("null", numbers("null", null), ()))
    t2 = spread("tau2", numbers("tau2", tau2, ge=0), s.k.shape)
    pooled = s.fit(t2).coefficients(s.y)[..., 0]
    mean = pooled if theta is None else spread("theta", numbers("theta", theta), s.k.shape)
    bounds = _critical(sided, level)
    z = (s.y - null) / np.sqrt(s.v)
    significant = (s.present > 0) & ((z <= bounds[0]) | (z >= bounds[1]))
    observed = significant.sum(-1)

    def power_at(t: FloatArray) -> FloatArray:
        return _power(s, t - null, t2, bounds)

    power = power_at(mean)
    p = {name: test(observed, power, s.k, alternative) for name, test in EXCESS_TESTS.items()}
    limit = _limit(
        lambda t: EXCESS_TESTS[limit_test](observed, power_at(t), s.k, alternative),
        _side(mean, null, sided),
        null,
        s,
        probability(limit_level),
    )
    expected = power.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = observed / expected
    return ExcessSignificance(
        k=s.k[()], O=observed[()], E=expected[()], ratio=ratio[()], power=power, significant=significant,
        theta=mean[()], tau2=t2[()],
        X2=_pearson(observed, expected, s.k)[()], p_chi2=p["chi2"][()], p_binomial=p["binomial"][()],
        p_exact=p["exact"][()], theta_limit=limit[()],
    )  # fmt: skip


def chi_square_p(observed: IntArray, power: FloatArray, k: IntArray, alternative: str) -> FloatArray:
    """Pearson's chi-square on 1 df, halved towards the alternative."""
    expected = power.sum(-1)
    root = np.sign(observed - expected) * np.sqrt(_pearson(observed, expected, k))
    return {"greater": special.ndtr(-root), "less": special.ndtr(root), "two.sided": 2 * special.ndtr(-np.abs(root))}[
        alternative
    ]


def binomial_p(observed: IntArray, power: FloatArray, k: IntArray, alternative: str) -> FloatArray:
    """Binomial with the mean power. Two-sided: sum over outcomes that are no more probable than the observed one."""
    mean_power = (power.sum(-1) / k)[..., None]
    n = np.arange(power.shape[-1] + 1)
    with np.errstate(divide="ignore"):
        log_p = special.xlogy(n, mean_power) + special.xlog1py(np.maximum(k[..., None] - n, 0), -mean_power)
    ways = special.gammaln(k + 1.0)[..., None] - special.gammaln(n + 1.0)
    ways = ways - special.gammaln(np.maximum(k[..., None] - n, 0) + 1.0)
    return _tail(np.where(n <= k[..., None], np.exp(ways + log_p), 0.0), observed, alternative)


def exact_p(observed: IntArray, power: FloatArray, k: IntArray, alternative: str) -> FloatArray:
    """Distribution of the number of significant studies by adding one study after the other."""
    p = np.zeros((*power.shape[:-1], power.shape[-1] + 1))
    p[..., 0] = 1.0
    for i in range(power.shape[-1]):
        one = power[..., i, None]
        p[..., 1:] = p[..., 1:] * (1 - one) + p[..., :-1] * one
        p[..., :1] = p[..., :1] * (1 - one)
    return _tail(p, observed, alternative)


EXCESS_TESTS: dict[str, Callable[[IntArray, FloatArray, IntArray, str], FloatArray]] = {
    "chi2": chi_square_p,
    "binomial": binomial_p,
    "exact": exact_p,
}


def _critical(sided: str, level: float) -> tuple[float, float]:
    alpha = probability(level)
    one, two = float(-special.ndtri(alpha)), float(-special.ndtri(alpha / 2))
    return {"two.sided": (-two, two), "greater": (-np.inf, one), "less": (-one, np.inf)}[sided]


def _power(s: Studies, distance: FloatArray, tau2: FloatArray, bounds: tuple[float, float]) -> FloatArray:
    """Probability of a significant study whose true effect is N(distance from the null, tau2): y ~ N(., v + tau2)."""
    se, sd = np.sqrt(s.v), np.sqrt(s.v + tau2[..., None])
    d = distance[..., None]
    return np.asarray(s.present * (special.ndtr((bounds[0] * se - d) / sd) + special.ndtr((d - bounds[1] * se) / sd)))


def _pearson(observed: IntArray, expected: FloatArray, k: IntArray) -> FloatArray:
    gap = (observed - expected) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = gap / expected, gap / (k - expected)
    return np.where(gap == 0, 0.0, terms[0] + terms[1])


def _tail(p: FloatArray, observed: IntArray, alternative: str) -> FloatArray:
    n, at = np.arange(p.shape[-1]), observed[..., None]
    if alternative == "two.sided":
        here = np.take_along_axis(p, at, -1)
        return np.minimum(1.0, np.sum(np.where(p <= here * (1 + 1e-7), p, 0.0), -1))
    return np.minimum(1.0, np.sum(np.where(n >= at if alternative == "greater" else n <= at, p, 0.0), -1))


def _side(theta: FloatArray, null: float, sided: str) -> FloatArray:
    """Where power rises: +1 for effects above the null, -1 below."""
    return {
        "two.sided": np.where(theta >= null, 1.0, -1.0),
        "greater": np.ones(theta.shape),
        "less": -np.ones(theta.shape),
    }[sided]


def _limit(
    p_at: Callable[[FloatArray], FloatArray], side: FloatArray, null: float, s: Studies, alpha: float
) -> FloatArray:
    """Bisection on one side: p rises from the null (least power) outwards for an excess, falls for a lack."""
    reach = 20 * np.sqrt(np.where(s.present > 0, s.v, 0).max(-1))
    lo, hi = np.zeros(side.shape), reach
    at_null, far = p_at(np.full(side.shape, null)), p_at(null + side * reach)
    for _ in range(MAX_ITERATIONS):
        middle = (lo + hi) / 2
        inside = (p_at(null + side * middle) - alpha) * (at_null - alpha) > 0
        lo, hi = np.where(inside, middle, lo), np.where(inside, hi, middle)
        if (hi - lo <= 4e-16 * reach).all():
            break
    crossed = (at_null - alpha) * (far - alpha) < 0
    return np.where(crossed, null + side * (lo + hi) / 2, np.nan)
