"""Mean and SD from the median with range and quartiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.conversions.expected_range import expected_range
from pipeline.meta.conversions.five_numbers import FIVE_NUMBER_METHODS, mean_sd_from_quantiles, skewness_test

NAN = np.nan
# the printed summaries of the gold cases conv_fivenum_*
SUMMARIES: dict[str, Any] = {
    "n": np.array([49, 120, 35, 200, 18, 77]),
    "minimum": np.array([0, 2, NAN, NAN, 1, 3]),
    "q1": np.array([5, NAN, 8, 4, 3, 9]),
    "median": np.array([10, 12, 14, 9, 6.5, 13]),
    "q3": np.array([16, NAN, 19, 15, 9, 18]),
    "maximum": np.array([27, 30, NAN, NAN, 20, 33]),
}
# metafor 5.0-1 with estmeansd: conv.fivenum(method="qe"), case conv_fivenum_qe_V
QE_MEAN = np.array(
    [10.9223115529539, 12.3103035476368, 13.6666666666667, 9.33333333333333, 7.64438202752891, 13.9871597593503]
)
QE_SD = np.array(
    [6.68042886043328, 5.7533707328473, 8.15431220178091, 8.15431220178072, 7.3114493037746, 6.770538660857]
)
STOPPED = 1  # the row in which the reference's Weibull fit did not get to its minimum


def normal_summary(n: int, mean: float, sd: float) -> dict[str, float]:
    """Quantiles of an ideal normal sample at the plotting positions that the methods assume."""
    p = {"minimum": 0.625 / (n + 0.25), "q1": (0.25 * n + 0.375) / (n + 0.25), "median": 0.5}
    p |= {"q3": 1 - p["q1"], "maximum": 1 - p["minimum"]}
    return {name: mean + sd * float(special.ndtri(x)) for name, x in p.items()}


def test_quantile_matching_against_the_reference() -> None:
    r = mean_sd_from_quantiles(**SUMMARIES, method="qe")
    same = np.arange(6) != STOPPED
    assert r.mean[same] == pytest.approx(QE_MEAN[same], rel=1e-4)
    assert r.sd[same] == pytest.approx(QE_SD[same], rel=1e-4)


def test_quantile_matching_where_the_reference_stopped_early() -> None:
    """Its answer is a gamma; the Weibull that we found is nearer to the printed quantiles.

    R's L-BFGS-B ends with "needs finite values of 'fn'" from four of six starts at this Weibull and finds our minimum,
    0.2301761, from the other two, (3, 20) and (1.5, 15).
    """
    x, p = np.array([2.0, 12.0, 30.0]), np.array([1 / 120, 0.5, 1 - 1 / 120])
    r = mean_sd_from_quantiles(120, minimum=2, median=12, maximum=30, method="qe")

    def loss(quantiles: np.ndarray) -> float:
        return float(np.sum((quantiles - x) ** 2))

    cv = QE_SD[STOPPED] / QE_MEAN[STOPPED]
    gamma = loss(stats.gamma.ppf(p, 1 / cv**2, scale=QE_MEAN[STOPPED] * cv**2))
    shape, scale = 2.14904, 14.45079
    assert loss(stats.weibull_min.ppf(p, shape, scale=scale)) < 0.231 < 0.936 < gamma
    assert r.mean == pytest.approx(stats.weibull_min.mean(shape, scale=scale), rel=1e-5)
    assert r.sd == pytest.approx(stats.weibull_min.std(shape, scale=scale), rel=1e-5)


def test_expected_range_of_walter_and_yao() -> None:
    """Factors of Walter & Yao 2007 are 1 / E(range): 0.886 for 2, 0.325 for 10, 0.199 for 100."""
    assert 1 / expected_range([2, 10, 100]) == pytest.approx([0.886, 0.325, 0.199], abs=5e-4)
    assert expected_range(2) == pytest.approx(2 / np.sqrt(np.pi), rel=1e-13)


@pytest.mark.parametrize("method", ["wan2014", "luo/wan/shi"])
@pytest.mark.parametrize("names", [("minimum", "maximum"), ("q1", "q3"), ("minimum", "q1", "q3", "maximum")])
def test_an_ideal_normal_sample_gives_its_mean_and_sd(method: str, names: tuple[str, ...]) -> None:
    summary = normal_summary(60, 20.0, 4.0)
    r = mean_sd_from_quantiles(60, median=summary["median"], **{name: summary[name] for name in names}, method=method)
    assert (r.mean, r.sd) == (pytest.approx(20), pytest.approx(4))


@pytest.mark.parametrize("method", FIVE_NUMBER_METHODS)
def test_shift_and_scale(method: str) -> None:
    """Mean and SD move with the data (quantile matching only scales: its positive families have a fixed zero)."""
    r = mean_sd_from_quantiles(**SUMMARIES, method=method)
    shift = 0.0 if method == "qe" else 7.0
    moved = {name: x if name == "n" else 3 * x + shift for name, x in SUMMARIES.items()}
    again = mean_sd_from_quantiles(**moved, method=method)
    assert again.mean == pytest.approx(3 * r.mean + shift, rel=1e-6, nan_ok=True)
    assert again.sd == pytest.approx(3 * r.sd, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("method", FIVE_NUMBER_METHODS)
def test_a_batch_is_its_rows(method: str) -> None:
    batch = mean_sd_from_quantiles(**{k: np.reshape(x, (2, 3)) for k, x in SUMMARIES.items()}, method=method)
    rows = [mean_sd_from_quantiles(**{k: x[i] for k, x in SUMMARIES.items()}, method=method) for i in range(6)]
    assert batch.mean.ravel() == pytest.approx([r.mean for r in rows], rel=1e-12, nan_ok=True)
    assert batch.sd.ravel() == pytest.approx([r.sd for r in rows], rel=1e-12, nan_ok=True)


def test_log_normal_comes_back_from_a_large_sample() -> None:
    s = {name: np.exp(x) for name, x in normal_summary(100_000, 1.0, 0.5).items()}
    r = mean_sd_from_quantiles(100_000, q1=s["q1"], median=s["median"], q3=s["q3"], distribution="lognormal")
    assert r.mean == pytest.approx(np.exp(1.125), rel=1e-4)
    assert r.sd == pytest.approx(np.exp(1.125) * np.sqrt(np.expm1(0.25)), rel=1e-3)
    assert np.isnan(mean_sd_from_quantiles(40, minimum=0, median=3, maximum=9, distribution="lognormal").mean)


def test_skewed_summaries_can_be_left_out() -> None:
    t = skewness_test(**SUMMARIES)
    assert t.critical[1] == pytest.approx(1.01 / np.log(129) + 2.43 / 121)
    assert t.skewed.tolist() == [False, True, False, False, False, True]
    r = mean_sd_from_quantiles(**SUMMARIES, exclude_skewed=True)
    assert np.isnan(r.mean).tolist() == t.skewed.tolist()


def test_an_sd_without_a_median_and_few_people() -> None:
    r = mean_sd_from_quantiles(40, minimum=2, maximum=30)
    assert np.isnan(r.mean)
    assert r.sd == pytest.approx(28 / (2 * special.ndtri(39.625 / 40.25)))
    assert np.isnan(mean_sd_from_quantiles(4, minimum=2, median=8, maximum=30).sd)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"median": 40}, "maximum is below"),
        ({"q1": 12}, "q1 and q3 go together"),
        ({"minimum": np.inf}, "minimum must be finite"),
        ({"n": 0}, "n must be >= 1"),
        ({"method": "guess"}, "hozo2005"),
        ({"method": "hozo2005", "distribution": "lognormal"}, "luo/wan/shi"),
        ({"distribution": "gamma"}, "lognormal"),
    ],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        mean_sd_from_quantiles(**({"n": 40, "minimum": 2, "median": 8, "maximum": 30} | change))


@pytest.mark.parametrize("function", [mean_sd_from_quantiles, skewness_test])
def test_unequal_lengths(function: Any) -> None:
    with pytest.raises(InvalidInput, match=r"shapes differ: n \(2,\).*median \(3,\)"):
        function([40, 50], minimum=1, median=[2, 3, 4], maximum=9)


@pytest.mark.parametrize("method", FIVE_NUMBER_METHODS)
@pytest.mark.filterwarnings("error")
def test_few_people_give_nan_without_a_warning(method: str) -> None:
    r = mean_sd_from_quantiles([1, 4], minimum=1, q1=1.5, median=2, q3=3, maximum=4, method=method)
    assert np.isnan([r.mean, r.sd]).all()
