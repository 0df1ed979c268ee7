"""Mean and standard deviation from the median with the range, the quartiles, or both.

Three patterns: minimum, median, maximum; quartiles and median; all five. NaN means "not printed". The estimates are
less sure than printed means, so variances computed from them are too small (McGrath et al. 2023, Stat Methods Med Res
32:373): for a sensitivity analysis, with the studies named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose
from pipeline.meta.conversions.expected_range import expected_range
from pipeline.meta.conversions.log_normal import back_transformed, log_quantiles
from pipeline.meta.conversions.quantile_matching import quantile_matching
from pipeline.meta.conversions.quantiles import Quantiles, printed_quantiles

MIN_PEOPLE = 5
_DISTRIBUTIONS = {"normal": False, "lognormal": True}


@dataclass(frozen=True, slots=True)
class MeanSd:
    """Estimated from five numbers or some of them, shape of the input.

    Attributes
    ----------
    mean, sd : NaN where the method does not work with what is printed, or fewer than 5 people
    """

    mean: FloatArray
    sd: FloatArray


def mean_sd_from_quantiles(
    n: ArrayLike,
    *,
    minimum: ArrayLike = np.nan,
    q1: ArrayLike = np.nan,
    median: ArrayLike = np.nan,
    q3: ArrayLike = np.nan,
    maximum: ArrayLike = np.nan,
    method: str = "luo/wan/shi",
    distribution: str = "normal",
    exclude_skewed: bool = False,
) -> MeanSd:
    """Mean and standard deviation of a sample of which only quantiles are printed.

    Parameters
    ----------
    n : people; fewer than 5 give NaN
    minimum, q1, median, q3, maximum : in ascending order, one shape or scalars; NaN where not printed
    method : key of FIVE_NUMBER_METHODS, or two keys with a comma between: the mean of the first, the SD of the second
    distribution : "normal", or "lognormal" (with the default method only, `log_normal`)
    exclude_skewed : NaN where `skewness_test` finds the data skewed, for which all methods but "qe" are biased

    Raises
    ------
    InvalidInput
        Numbers out of order, only one of the quartiles or of the extremes, or an unknown method.

    >>> r = mean_sd_from_quantiles(49, minimum=0, q1=5, median=10, q3=16, maximum=27)
    >>> r.mean.round(4).item(), r.sd.round(4).item()
    (10.6793, 7.0303)
    """
    q = printed_quantiles(n, minimum, q1, median, q3, maximum)
    few = q.n < MIN_PEOPLE
    q = replace(q, n=np.maximum(q.n, MIN_PEOPLE))  # no formula holds below; what it gives there is not used
    choose("distribution", distribution, _DISTRIBUTIONS)
    if not isinstance(method, str):
        raise InvalidInput(f"method must be a name, or two for mean and SD (found {method!r})")
    if distribution == "lognormal":
        if method != "luo/wan/shi":
            raise InvalidInput(f"method {method!r} has no log-normal form; it goes with method 'luo/wan/shi'")
        q = log_quantiles(q)
    of_mean, _, of_sd = method.partition(",")
    for name in (of_mean, of_sd or of_mean):
        choose("method", name, FIVE_NUMBER_METHODS)
    mean, sd = FIVE_NUMBER_METHODS[of_mean](q)
    if of_sd:
        _, sd = FIVE_NUMBER_METHODS[of_sd](q)
    if distribution == "lognormal":
        mean, sd = back_transformed(q, mean, sd)
    if exclude_skewed:
        few = few | _skewness(q)[2]
    return MeanSd(np.where(few, np.nan, mean)[()], np.where(few, np.nan, sd)[()])


@dataclass(frozen=True, slots=True)
class SkewnessTest:
    """Whether printed quantiles are those of skewed data.

    Attributes
    ----------
    statistic : 0 for a symmetric summary; NaN without a median
    critical : its 5 % critical value for normal data
    skewed : statistic above critical
    """

    statistic: FloatArray
    critical: FloatArray
    skewed: BoolArray


def skewness_test(
    n: ArrayLike,
    *,
    minimum: ArrayLike = np.nan,
    q1: ArrayLike = np.nan,
    median: ArrayLike = np.nan,
    q3: ArrayLike = np.nan,
    maximum: ArrayLike = np.nan,
) -> SkewnessTest:
    """Test of skewness from printed quantiles. Shi et al. 2023, Stat Methods Med Res 32:1338.

    >>> bool(skewness_test(120, minimum=2, median=12, maximum=30).skewed)
    True
    """
    return SkewnessTest(*_skewness(printed_quantiles(n, minimum, q1, median, q3, maximum)))


def _skewness(q: Quantiles) -> tuple[FloatArray, FloatArray, BoolArray]:
    n = q.n
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = np.abs(q.minimum + q.maximum - 2 * q.median) / (q.maximum - q.minimum)
        middle = np.abs(q.q1 + q.q3 - 2 * q.median) / (q.q3 - q.q1)
        both = np.maximum(2.65 * np.log(0.6 * n) / np.sqrt(n) * ends, middle)
        limits = (1.01 / np.log(n + 9) + 2.43 / (n + 1), 2.65 / np.sqrt(n) - 6 / n**2, 3 / np.sqrt(n) - 40 / n**3)
        statistic = q.by_pattern(ends, middle, both)
        critical = q.by_pattern(*limits)
        return statistic, critical, statistic > critical


def range_quantile(n: FloatArray) -> FloatArray:
    """Normal quantile at which the maximum of n people is expected, (n - 0.375) / (n + 0.25). Blom 1958.

    >>> range_quantile(np.array(100.0)).round(4).item()
    2.4986
    """
    return np.asarray(special.ndtri((n - 0.375) / (n + 0.25)))


def quartile_quantile(n: FloatArray) -> FloatArray:
    """Normal quantile at which the upper quartile of n people is expected, (0.75 n - 0.125) / (n + 0.25).

    >>> quartile_quantile(np.array(100.0)).round(4).item()
    0.6647
    """
    return np.asarray(special.ndtri((0.75 * n - 0.125) / (n + 0.25)))


def _hozo(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    middle = (q.minimum + 2 * q.median + q.maximum) / 4
    width = q.maximum - q.minimum
    small = np.sqrt(((q.minimum - 2 * q.median + q.maximum) ** 2 / 4 + width**2) / 12)
    sd = np.where(q.n <= 15, small, np.where(q.n <= 70, width / 4, width / 6))
    return q.by_pattern(np.where(q.n > 25, q.median, middle), None, None), q.by_pattern(sd, None, None)


def _walter(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    mean, _ = _hozo(q)
    return mean, q.by_pattern((q.maximum - q.minimum) / expected_range(q.n), None, None)


def _wan(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    ends, quarters = (q.maximum - q.minimum) / (2 * range_quantile(q.n)), (q.q3 - q.q1) / (2 * quartile_quantile(q.n))
    mean = q.by_pattern(
        (q.minimum + 2 * q.median + q.maximum) / 4,
        (q.q1 + q.median + q.q3) / 3,
        (q.minimum + 2 * q.q1 + 2 * q.median + 2 * q.q3 + q.maximum) / 8,
    )
    return mean, q.by_pattern(ends, quarters, (ends + quarters) / 2)


def _bland(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    a, b, m = q.minimum, q.maximum, q.median
    mean = (a + 2 * q.q1 + 2 * m + 2 * q.q3 + b) / 8
    squares = (a**2 + 2 * q.q1**2 + 2 * m**2 + 2 * q.q3**2 + b**2) / 16
    products = (a * q.q1 + q.q1 * m + m * q.q3 + q.q3 * b) / 8
    sd = np.sqrt(np.maximum(squares + products - mean**2, 0))
    return q.by_pattern(None, None, mean), q.by_pattern(None, None, sd)


def _luo(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    n, m = q.n, q.median
    ends, quarters = (q.minimum + q.maximum) / 2, (q.q1 + q.q3) / 2
    w1, w2 = 4 / (4 + n**0.75), 0.7 + 0.39 / n
    v1, v2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    mean = q.by_pattern(
        w1 * ends + (1 - w1) * m, w2 * quarters + (1 - w2) * m, v1 * ends + v2 * quarters + (1 - v1 - v2) * m
    )
    return mean, np.full(q.n.shape, np.nan)


def _shi(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    n = q.n
    ends = (q.maximum - q.minimum) / ((2 + 0.14 * n**0.6) * range_quantile(n))
    quarters = (q.q3 - q.q1) / ((2 + 2 / (0.07 * n**0.6)) * quartile_quantile(n))
    return np.full(q.n.shape, np.nan), q.by_pattern(None, None, ends + quarters)


def _luo_wan_shi(q: Quantiles) -> tuple[FloatArray, FloatArray]:
    all_five = _shi(q)[1]
    return _luo(q)[0], np.where(np.isnan(all_five), _wan(q)[1], all_five)


# hozo2005: Hozo, Djulbegovic & Hozo, BMC Med Res Methodol 5:13. walter2007: Walter & Yao, J Clin Epidemiol 60:849 (SD;
# mean as hozo2005). wan2014: Wan et al., BMC Med Res Methodol 14:135. bland2015: Bland, Int J Stat Med Res 4:57.
# luo2016: Luo et al., Stat Methods Med Res 27:1785, eq. 7, 11, 15 (mean only). shi2020: Shi et al., Res Synth Methods
# 11:641, eq. 10 (SD of all five only). luo/wan/shi: mean of luo2016, SD of shi2020 with all five numbers and of wan2014
# otherwise. qe: McGrath et al. 2020, Stat Methods Med Res 29:2520.
FIVE_NUMBER_METHODS: dict[str, Callable[[Quantiles], tuple[FloatArray, FloatArray]]] = {
    "hozo2005": _hozo,
    "walter2007": _walter,
    "wan2014": _wan,
    "bland2015": _bland,
    "luo2016": _luo,
    "shi2020": _shi,
    "luo/wan/shi": _luo_wan_shi,
    "qe": quantile_matching,
}
