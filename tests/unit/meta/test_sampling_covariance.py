"""Covariance of dependent effects, aggregation. Numbers of R are of metafor 3.8-1, each with its call."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.dependence.aggregation import aggregate_dependent
from pipeline.meta.dependence.covariance import covariance_from_rows, sampling_covariance

CASES = Path(__file__).parents[2] / "golden" / "cases"


def assink() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    case = json.loads((CASES / "aggregate_assink2016.json").read_text())["input"]
    return tuple(np.array(case[name]) for name in ("yi", "vi", "cluster"))  # type: ignore[return-value]


def test_within_and_between_designs_in_one_cluster() -> None:
    # vcalc(vi=1:3, cluster=1, grp1=c("a","b","a"), grp2=c("c","c","a"), time1=c(2,3,2), time2=c(2,2,1), phi=.8,
    #       w1=c(10,20,10), w2=c(15,15,10), obs=c(1,1,2), rho=.5)
    v = sampling_covariance(
        [1, 2, 3],
        [1, 1, 1],
        grp1=["a", "b", "a"],
        grp2=["c", "c", "a"],
        time1=[2, 3, 2],
        time2=[2, 2, 1],
        phi=0.8,
        w1=[10, 20, 10],
        w2=[15, 15, 10],
        obs=[1, 1, 2],
        rho=0.5,
    )
    assert v[0, 1] == pytest.approx(0.6761234, abs=1e-7)
    assert v[0, 2] == pytest.approx(0.21213203, abs=1e-8)
    assert v[1, 2] == 0


def test_a_group_on_the_other_side_correlates_negatively() -> None:
    # vcalc(vi=1:2, cluster=1, grp1=c("a","b"), grp2=c("c","a"), w1=c(10,20), w2=c(15,12))
    v = sampling_covariance([1, 2], [1, 1], grp1=["a", "b"], grp2=["c", "a"], w1=[10, 20], w2=[15, 12])
    assert v[0, 1] == pytest.approx(-0.8660254, abs=1e-7)


def test_equal_arms_that_share_a_control_correlate_by_a_half() -> None:
    v = sampling_covariance([1, 1], [1, 1], grp1=["a", "b"], grp2=["c", "c"])
    assert v[0, 1] == pytest.approx(0.5)


def test_matrices_of_correlations_follow_the_sorted_labels() -> None:
    # vcalc(1:3, cluster=1, type=c("z","x","y"), rho=R); vcalc(1, cluster, type, obs, rho=list(W, R))
    r = [[1, 0.2, 0.3], [0.2, 1, 0.4], [0.3, 0.4, 1]]
    v = sampling_covariance([1, 2, 3], [1, 1, 1], type=["z", "x", "y"], rho=r)
    assert v[0, 1:] == pytest.approx([0.42426407, 0.69282032], abs=1e-8)
    w = [[1, 0.7], [0.7, 1]]
    v = sampling_covariance([1] * 4, [1] * 4, type=["x", "x", "y", "z"], obs=[1, 2, 1, 2], rho=(w, r))
    assert v == pytest.approx(
        np.array([[1, 0.7, 0.2, 0.3], [0.7, 1, 0.2, 0.3], [0.2, 0.2, 1, 0.4], [0.3, 0.3, 0.4, 1]])
    )


def test_instrument_construct_and_time_multiply() -> None:
    # vcalc(vi=1, cluster=1, type=c("a","a","b","b"), obs=c(1,2,1,1), time1=c(1,2,1,3), rho=c(.6,.3), phi=.8)
    v = sampling_covariance(
        [1] * 4, [1] * 4, type=list("aabb"), obs=[1, 2, 1, 1], time1=[1, 2, 1, 3], rho=(0.6, 0.3), phi=0.8
    )
    assert v[np.triu_indices(4, 1)] == pytest.approx([0.48, 0.3, 0.192, 0.24, 0.24, 0.64])


def test_subgroups_and_single_groups_are_independent() -> None:
    v = sampling_covariance([1] * 4, [1] * 4, subgroup=[1, 1, 2, 2], obs=[1, 2, 1, 2], rho=0.6)
    assert v == pytest.approx(np.kron(np.eye(2), [[1, 0.6], [0.6, 1]]))
    assert sampling_covariance([1] * 4, [1] * 4, grp1=[1, 1, 2, 2], obs=[1, 2, 1, 2], rho=0.6) == pytest.approx(v)


def test_clusters_need_not_be_sorted_and_variances_may_be_a_batch() -> None:
    vi = np.array([[1.0, 2, 3, 4], [0.4, 0.3, 0.2, 0.1]])
    v = sampling_covariance(vi, ["a", "b", "a", "b"], obs=[1, 1, 2, 2], rho=0.5)
    assert v[0, 0, 2] == pytest.approx(0.5 * np.sqrt(3))
    for one, each in zip(vi, v, strict=True):
        single = sampling_covariance(one, ["a", "b", "a", "b"], obs=[1, 1, 2, 2], rho=0.5)
        assert np.array_equal(each, single)
        assert single[0, 1] == 0


def test_rows_of_correlations() -> None:
    # vcalc(vi=1, cluster=author, rvars=c(v1i, v2i), data=dat.berkey1998): the first two trials
    rows = [[0.0075, 0.0030], [0.0030, 0.0077], [0.0057, 0.0009], [0.0009, 0.0008]]
    v = covariance_from_rows([1] * 4, [1, 1, 2, 2], rows)
    assert v[1, 0] == v[0, 1] == 0.0030
    assert v[0, 2] == 0
    with pytest.raises(InvalidInput, match=r"rows\[1, 0\] is missing"):
        covariance_from_rows([1] * 2, [1, 1], [[1, 0], [np.nan, 1]])
    with pytest.raises(InvalidInput, match="shape"):
        covariance_from_rows([1] * 2, [1, 1], [[1], [1]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing tells apart"),
        ({"obs": [1, 1, 2], "rho": 0.5}, "cluster 'T' is not positive definite"),
        ({"obs": [1, 2, 3], "rho": -0.6}, "impossible rho"),
        ({"obs": [1, 2, 3]}, "need rho"),
        ({"obs": [1, 2, 3], "rho": 1.5}, "must be <= 1"),
        ({"obs": [1, 2], "rho": 0.5}, "obs must have one label for each of the 3"),
        ({"obs": [1, 2, 3], "rho": [[1, 0.5], [0.5, 1]]}, "3 levels of obs"),
        ({"obs": [1, 2, 3], "type": [1, 1, 2], "rho": 0.5}, "pair"),
        ({"time1": [1, 2, 3]}, "time1 needs phi"),
        ({"time1": [1, 2.5, 3], "phi": -0.5}, "whole units"),
        ({"time2": [1, 2, 3], "phi": 0.5}, "time2 needs time1"),
        ({"grp2": [1, 2, 3]}, "grp2 needs grp1"),
        ({"w1": [1, 2, 3]}, "w1 needs grp1"),
        ({"grp1": [1, 1, 2], "grp2": [1, 3, 3]}, "contrasts a group with itself"),
        ({"grp1": [1, 1, 2], "grp2": [2, 3, 3], "w1": [1, 0, 1]}, r"w1\[1\] must be > 0"),
        ({"subgroup": [1, None, 2]}, r"subgroup\[1\] is missing"),
    ],
)
def test_refused(options: dict, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        sampling_covariance([1.0, 2.0, 3.0], ["T"] * 3, **options)


def test_an_unchecked_matrix_may_be_singular() -> None:
    assert sampling_covariance([1, 1], [1, 1], check=False) == pytest.approx(np.ones((2, 2)))


# aggregate(escalc(yi, vi, data=dat.assink2016), cluster=study, struct=, rho=.6, weighted=): sums of yi and vi
@pytest.mark.parametrize(
    ("rho", "weighted", "yi", "vi"),
    [
        (0.6, True, 5.9259474078821, 0.59115103157401),
        (0.0, True, 7.2700261969654, 0.34693620703033),
        (0.6, False, 7.6159064393939, 0.80997667534299),
        (0.0, False, 7.6159064393939, 0.37264131225608),
    ],
)
def test_aggregate_of_r(rho: float, weighted: bool, yi: float, vi: float) -> None:
    y, v, cluster = assink()
    a = aggregate_dependent(y, v, cluster, rho=rho, weighted=weighted)
    assert a.yi.sum() == pytest.approx(yi, rel=1e-12)
    assert a.vi.sum() == pytest.approx(vi, rel=1e-12)
    assert a.ki.sum() == 100


def test_aggregate_with_a_correlation_for_each_cluster() -> None:
    rho = [0.29, 0.36, 0.5, 0.74, 0.24, 0.73, 0.76, 0.56, 0.54, 0.14, 0.24, 0.22, 0.58, 0.37, 0.64, 0.45, 0.6]
    a = aggregate_dependent(*assink(), rho=rho)
    assert a.yi.sum() == pytest.approx(6.6278843547646, rel=1e-12)
    assert a.vi.sum() == pytest.approx(0.58185696337441, rel=1e-12)


def test_aggregate_with_a_covariance_is_the_same_and_may_be_a_batch() -> None:
    y, v, cluster = assink()
    whole = sampling_covariance(v, cluster, obs=np.arange(100), rho=0.6)
    a, b = aggregate_dependent(y, v, cluster, rho=0.6), aggregate_dependent(y, v, cluster, covariance=whole)
    assert a.yi == pytest.approx(b.yi, rel=1e-12)
    assert a.vi == pytest.approx(b.vi, rel=1e-12)
    rows = aggregate_dependent(np.stack([y, y + 1]), v, cluster, covariance=whole)
    assert rows.yi[0] == pytest.approx(b.yi, rel=1e-12)
    assert rows.yi[1] == pytest.approx(b.yi + 1, rel=1e-12)


def test_aggregate_refuses() -> None:
    for options in ({}, {"rho": 0.5, "covariance": np.eye(2)}):
        with pytest.raises(InvalidInput, match="either"):
            aggregate_dependent([0.1, 0.2], [1, 1], [1, 1], **options)
    with pytest.raises(InvalidInput, match="shape"):
        aggregate_dependent([0.1, 0.2], [1, 1], [1, 1], covariance=np.eye(3))
    with pytest.raises(InvalidInput, match="cluster 'B' is not positive definite"):
        aggregate_dependent([0.1] * 4, [1] * 4, list("AABB"), covariance=np.diag([1, 1, 1, -1]))
    with pytest.raises(InvalidInput, match="one for each of the 2 clusters"):
        aggregate_dependent([0.1] * 4, [1] * 4, list("AABB"), rho=[0.1, 0.2, 0.3])
