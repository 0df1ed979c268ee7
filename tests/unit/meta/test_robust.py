"""Robust variances: limits in which methods agree, batches, refused input, few clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.dependence.adjustments import ADJUSTMENTS
from pipeline.meta.dependence.cluster_stacks import clusters, padded
from pipeline.meta.dependence.correlated_hierarchical import (
    correlated_hierarchical_effects,
    subgroup_correlated_effects,
)
from pipeline.meta.dependence.multilevel import three_level
from pipeline.meta.dependence.robust_regression import robust_meta_regression
from pipeline.meta.dependence.robust_variance import robust_variance
from pipeline.meta.dependence.satterthwaite import (
    COEFFICIENT_TESTS,
    coefficient_tests,
    linear_contrast,
    satterthwaite_df,
)
from pipeline.meta.dependence.wald_htz import WALD_TESTS, hotelling_df, robust_wald_test
from pipeline.meta.dependence.wild_bootstrap import cluster_wild_bootstrap


def data(seed: int = 1, m: int = 9, largest: int = 5, p: int = 2) -> tuple:
    """Effects, design, cluster, and a working covariance that is block diagonal."""
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.repeat(np.arange(m), rng.integers(1, largest + 1, m)))
    k = len(cluster)
    x = np.column_stack([np.ones(k), *rng.normal(size=(p - 1, k))])
    v = rng.uniform(0.02, 0.3, k)
    same = cluster[:, None] == cluster
    covariance = np.diag(v) + same * (0.1 + 0.5 * np.sqrt(np.outer(v, v)) * (1 - np.eye(k)))
    return rng.normal(size=k), x, cluster, covariance


def by_definition(y, x, cluster, phi, w, kind):  # type: ignore[no-untyped-def]
    """V and Satterthwaite df with k x k matrices, straight from Pustejovsky & Tipton 2018, eqs. 2 to 6 and 9."""
    k, p = x.shape
    m = np.linalg.inv(x.T @ w @ x)
    residual_maker = np.eye(k) - x @ m @ x.T @ w
    names = np.unique(cluster)
    spread = residual_maker @ phi @ residual_maker.T
    scores, weights = [], []
    for name in names:
        own = np.flatnonzero(cluster == name)
        if kind == "CR2":
            d = np.linalg.cholesky(phi[np.ix_(own, own)]).T
            b = d @ spread[np.ix_(own, own)] @ d.T
            value, vector = np.linalg.eigh(b)
            a = d.T @ (vector / np.sqrt(value)) @ vector.T @ d
        elif kind == "CR3":
            a = np.linalg.inv(residual_maker[np.ix_(own, own)])
        else:
            a = np.eye(len(own))
        g = m @ x[own].T @ w[np.ix_(own, own)] @ a
        scores.append(g @ (residual_maker @ y)[own])
        weights.append(g @ residual_maker[own])
    factor = ADJUSTMENTS[kind].factor(len(names), p, k)
    z, g = np.array(scores), np.array(weights)
    joint = np.einsum("ipk,jpk->pij", g @ phi, g, optimize=True)
    df = np.trace(joint, axis1=1, axis2=2) ** 2 / np.sum(joint**2, (1, 2))
    return factor * z.T @ z, df


@pytest.mark.parametrize("kind", ADJUSTMENTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_as_defined(kind: str, weighted: bool) -> None:
    y, x, cluster, phi = data(3)
    own = np.random.default_rng(2).uniform(0.5, 2, len(y)) if weighted else None
    w = np.linalg.inv(phi) if own is None else np.diag(own)
    fit = robust_variance(y, x, cluster, covariance=phi, weights=own, kind=kind)
    vb, df = by_definition(y, x, cluster, phi, w, kind)
    assert fit.beta == pytest.approx(np.linalg.solve(x.T @ w @ x, x.T @ w @ y), rel=1e-10)
    assert fit.vb == pytest.approx(vb, rel=1e-9, abs=1e-13)
    assert satterthwaite_df(fit) == pytest.approx(df, rel=1e-9)


def test_cr2_is_unbiased_under_the_working_covariance() -> None:
    y, x, cluster, phi = data(5)
    for own in (None, np.linspace(1, 2, len(y))):
        fit = robust_variance(y, x, cluster, covariance=phi, weights=own)
        joint = fit.own - np.swapaxes(fit.left, -1, -2) @ fit.right - np.swapaxes(fit.right, -1, -2) @ fit.left
        assert joint.sum(-3) == pytest.approx(fit.model_vb, rel=1e-9, abs=1e-13)


def test_equal_singletons_give_the_t_of_the_mean() -> None:
    y = np.array([0.1, 0.4, -0.2, 0.6, 0.3])
    t = coefficient_tests(robust_variance(y, None, np.arange(5), variance=np.full(5, 0.2)))
    assert t.se[0] == pytest.approx(y.std(ddof=1) / np.sqrt(5), rel=1e-12)
    assert t.df[0] == pytest.approx(4, rel=1e-12)


def test_one_contrast_gives_the_satterthwaite_degrees_of_freedom() -> None:
    y, x, cluster, phi = data(7, p=3)
    fit = robust_variance(y, x, cluster, covariance=phi)
    df, t = satterthwaite_df(fit), coefficient_tests(fit)
    for j in range(3):
        one = np.eye(3)[j : j + 1]
        assert hotelling_df(linear_contrast(fit, one)) == pytest.approx(df[j], rel=1e-10)
        w = robust_wald_test(fit, one)
        assert (w.F, w.p) == (pytest.approx(t.statistic[j] ** 2), pytest.approx(t.p[j]))


def test_a_linear_contrast_is_the_coefficient_of_another_design() -> None:
    y, x, cluster, phi = data(10, p=3)
    turn = np.array([[1.0, 0, 0], [0, 1, 1], [0, 1, -1]])  # x beta = (x turn^-1)(turn beta)
    a = coefficient_tests(linear_contrast(robust_variance(y, x, cluster, covariance=phi), turn))
    b = coefficient_tests(robust_variance(y, x @ np.linalg.inv(turn), cluster, covariance=phi))
    for name in ("beta", "se", "df", "p", "ci_lb"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9)


def test_wald_does_not_depend_on_how_the_hypothesis_is_written() -> None:
    y, x, cluster, phi = data(8, m=14, p=3)
    fit = robust_variance(y, x, cluster, covariance=phi)
    a = robust_wald_test(fit, [[0, 1, 0], [0, 0, 1]])
    b = robust_wald_test(fit, [[0, 3, 1], [0, 1, -2]])
    assert (a.F, a.df_denom, a.p) == pytest.approx((b.F, b.df_denom, b.p), rel=1e-9)


def test_the_unit_and_origin_of_a_moderator_do_not_matter() -> None:
    y, x, cluster, phi = data(9)
    year = np.column_stack([x[:, 0], 2000 + x[:, 1]])
    a, b = (robust_variance(y, d, cluster, covariance=phi) for d in (x, year))
    assert a.se[1] == pytest.approx(b.se[1], rel=1e-9)
    assert satterthwaite_df(a)[1] == pytest.approx(satterthwaite_df(b)[1], rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-6, 1e6))
def test_order_and_scale_do_not_matter(seed: int, scale: float) -> None:
    y, x, cluster, phi = data(seed, m=6, largest=4)
    order = np.random.default_rng(seed).permutation(len(y))
    a = coefficient_tests(robust_variance(y, x, cluster, covariance=phi))
    b = coefficient_tests(
        robust_variance(scale * y[order], x[order], cluster[order], covariance=scale**2 * phi[np.ix_(order, order)])
    )
    assert b.se / scale == pytest.approx(a.se, rel=1e-6)
    assert b.df == pytest.approx(a.df, rel=1e-6)


@pytest.mark.parametrize("kind", ADJUSTMENTS)
def test_batch_equals_loop(kind: str) -> None:
    y, x, cluster, phi = data(11)
    rng = np.random.default_rng(0)
    ys, phis = rng.normal(size=(4, 3, len(y))), phi * rng.uniform(0.5, 2, (3, 1, 1))
    phis = phis + 0.1 * np.eye(len(y))
    fit = robust_variance(ys, x, cluster, covariance=phis, kind=kind)
    tests, wald = coefficient_tests(fit), robust_wald_test(fit)
    for i in range(4):
        for j in range(3):
            one = robust_variance(ys[i, j], x, cluster, covariance=phis[j], kind=kind)
            t, w = coefficient_tests(one), robust_wald_test(one)
            assert fit.vb[i, j] == pytest.approx(one.vb, rel=1e-11, abs=1e-15)
            assert tests.p[i, j] == pytest.approx(t.p, rel=1e-11)
            assert wald.p[i, j] == pytest.approx(w.p, rel=1e-11)


def test_batch_of_effects_with_one_weighting_shares_its_geometry() -> None:
    y, x, cluster, phi = data(12)
    fit = robust_variance(np.stack([y, 2 * y]), x, cluster, variance=np.diagonal(phi), weights=np.ones(len(y)))
    assert fit.own.ndim == 3
    assert fit.vb[1] == pytest.approx(4 * fit.vb[0], rel=1e-12)


def test_stacks_of_several_sizes_give_the_same() -> None:
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(60), rng.integers(1, 25, 60))
    k = len(cluster)
    assert len(padded(clusters(cluster, k))) > 1
    y, v = rng.normal(size=k), rng.uniform(0.1, 1, k)
    x = np.column_stack([np.ones(k), rng.normal(size=k)])
    fit = robust_variance(y, x, cluster, variance=v)
    vb, df = by_definition(y, x, cluster, np.diag(v), np.diag(1 / v), "CR2")
    assert fit.vb == pytest.approx(vb, rel=1e-8)
    assert satterthwaite_df(fit) == pytest.approx(df, rel=1e-8)


def test_variances_twelve_orders_of_magnitude_apart() -> None:
    y = np.array([0.1, 0.3, 0.2, 0.5, 0.4, 0.1])
    v = np.array([1e-6, 1e-6, 1.0, 1.0, 1e6, 1e6])
    for kind in ADJUSTMENTS:
        t = coefficient_tests(robust_variance(y, None, [1, 1, 2, 2, 3, 3], variance=v, kind=kind))
        assert np.isfinite(t.se).all()
        assert t.beta[0] == pytest.approx(0.2, abs=1e-5)


def test_variances_twelve_orders_of_magnitude_apart_within_a_cluster() -> None:
    # expected: the definition of CR2 in decimal arithmetic of 90 digits
    y, cluster = [0.3, -0.2, 0.5, 0.9, 0.1, -0.4, 0.6, 0.2], np.array([1, 1, 1, 2, 2, 3, 3, 4])
    x = np.column_stack([np.ones(8), [0, 1, 0.5, 2, 1, 0, 3, 1.5]])
    v = np.array([1e6, 1e-6, 1.0, 1e-3, 1e3, 1e5, 1e-5, 0.01])
    same = (cluster[:, None] == cluster) & ~np.eye(8, dtype=bool)
    joint = np.diag(v) + 0.5 * np.sqrt(np.outer(v, v)) * same
    apart = [[0.002198044676973413, -0.0015472651854039423], [-0.0015472651854039423, 0.0013299367973540113]]
    together = [[0.0021129728144963712, -0.0015183558023381478], [-0.0015183558023381478, 0.0013196630889302779]]
    for working, expected in ((np.diag(v), apart), (joint, together)):
        found = robust_variance(y, x, cluster, covariance=working).vb
        assert found == pytest.approx(np.array(expected), rel=1e-8)


def test_identical_effects_have_no_robust_error() -> None:
    fit = robust_variance([0.5] * 4, None, [1, 1, 2, 3], variance=[0.1] * 4)
    assert fit.se[0] == pytest.approx(0, abs=1e-12)


def test_two_clusters_are_computed_and_flagged() -> None:
    t = coefficient_tests(robust_variance([0.1, 0.2, 0.5, 0.6], None, [1, 1, 2, 2], variance=[0.1] * 4))
    assert t.df[0] == pytest.approx(1, rel=1e-9)
    assert not t.reliable[0]


def test_a_coefficient_within_one_cluster_has_no_degrees_of_freedom() -> None:
    # the second column lives in cluster 3, a single effect: its residual is zero whatever the data
    x = [[1, 0], [1, 0], [1, 0], [1, 1]]
    fit = robust_variance([0.1, 0.4, 0.3, 0.9], x, [1, 1, 2, 3], variance=[0.1] * 4)
    assert np.isfinite(fit.vb).all()
    t = coefficient_tests(fit)
    assert t.df[0] >= 1 - 1e-9
    with pytest.raises(InvalidInput, match="no robust variance"):
        robust_wald_test(robust_variance([0.1, 0.4], np.eye(2), [1, 2], variance=[0.1] * 2), np.eye(2))
    assert np.isnan(satterthwaite_df(robust_variance([0.1, 0.4], np.eye(2), [1, 2], variance=[0.1] * 2))).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"yi": []}, "yi must have shape"),
        ({"yi": ["a", "b", "c", "d"]}, "yi is not numeric"),
        ({"yi": np.zeros((3, 4)), "variance": np.ones((2, 4))}, "leading shapes differ"),
        ({"mask": np.ones((2, 4), dtype=bool), "yi": np.zeros((3, 4))}, "does not fit"),
        ({"yi": [0.1, np.nan, 0.2, 0.3]}, r"yi\[1\] must be finite"),
        ({"cluster": [1, 1, 1, 1]}, "1 cluster is too few"),
        ({"cluster": [1, 2, 3]}, "one label for each of the 4"),
        ({"cluster": ["a", None, "b", "b"]}, r"cluster\[1\] is missing"),
        ({"design": np.ones((3, 1))}, "design must have shape"),
        ({"design": [[1, 2], [1, 2], [1, 2], [1, 2]]}, "column 1 of the design"),
        ({"design": np.ones((4, 5))}, "cannot carry 5"),
        ({"variance": None}, "either variance or covariance"),
        ({"covariance": np.eye(4)}, "either variance or covariance"),
        ({"variance": [0.1, 0.1, 0, 0.1]}, r"variance\[2\] must be > 0"),
        ({"variance": [0.1, 0.1]}, "variance must have shape"),
        ({"weights": [1, 1, 1, -1]}, r"weights\[3\] must be > 0"),
        ({"variance": None, "covariance": np.eye(3)}, "covariance must have shape"),
        ({"variance": None, "covariance": np.ones((4, 4)) + np.eye(4)}, "joins clusters 1 and 2"),
        ({"variance": None, "covariance": np.diag([1, 1, -1, 1])}, "not positive definite"),
        ({"kind": "CR4"}, "choose from CR0"),
        ({"kind": "CR1p", "design": np.vander([1, 2, 3, 4], 3), "cluster": [1, 1, 2, 3]}, "more clusters than"),
        ({"kind": "CR1S", "design": np.vander([1, 2, 3, 4], 4)}, "more effects than"),
    ],
)
def test_refused(change: dict, message: str) -> None:
    call = {"yi": [0.1, 0.4, 0.2, 0.3], "design": None, "cluster": [1, 1, 2, 2], "variance": [0.1] * 4} | change
    with pytest.raises(InvalidInput, match=message):
        robust_variance(**call)


def test_refused_tests() -> None:
    y, x, cluster, phi = data(13)
    fit = robust_variance(y, x, cluster, covariance=phi)
    with pytest.raises(InvalidInput, match="choose from"):
        coefficient_tests(fit, test="t")
    with pytest.raises(InvalidInput, match="choose from"):
        robust_wald_test(fit, test="F")
    with pytest.raises(InvalidInput, match=r"shape \(q, 2\)"):
        robust_wald_test(fit, [[1, 0, 0]])
    with pytest.raises(InvalidInput, match="linearly dependent"):
        robust_wald_test(fit, [[1, 1], [2, 2]])
    small = robust_variance([0.1, 0.4, 0.2], [[1, 0], [1, 1], [1, 3]], [1, 1, 2], variance=[0.1] * 3)
    for run in (lambda: coefficient_tests(small, test="naive_tp"), lambda: robust_wald_test(small, test="naive_fp")):
        with pytest.raises(InvalidInput, match="more than 2 clusters"):
            run()


def test_too_few_clusters_for_so_many_contrasts_have_no_p() -> None:
    y, x, cluster, phi = data(14, m=4, largest=6, p=4)
    w = robust_wald_test(robust_variance(y, x, cluster, covariance=phi))
    assert w.df_denom < 1
    assert w.reliable is np.False_ or not w.reliable
    if w.df_denom <= 0:
        assert np.isnan(w.p)
        assert w.F == 0


class TestMomentWeights:
    @staticmethod
    def case(seed: int = 3) -> tuple:
        y, x, cluster, phi = data(seed)
        return y, np.diagonal(phi), cluster, x

    def test_one_effect_each_is_the_dersimonian_laird_estimate(self) -> None:
        from pipeline.meta.pooling.meta_regression import meta_regression

        y, v, _, x = self.case()
        m = robust_meta_regression(3 * y, v, np.arange(len(y)), x)
        assert m.weighting.tau2 == pytest.approx(meta_regression(3 * y, v, x, estimator="DL").tau2, rel=1e-10)

    def test_several_rho_in_one_call(self) -> None:
        y, v, cluster, x = self.case()
        m = robust_meta_regression(2 * y, v, cluster, x, rho=[0, 0.4, 0.8])
        for i, rho in enumerate((0, 0.4, 0.8)):
            one = robust_meta_regression(2 * y, v, cluster, x, rho=rho)
            assert m.tests.se[i] == pytest.approx(one.tests.se, rel=1e-12)
            assert m.weighting.tau2[i] == pytest.approx(one.weighting.tau2, rel=1e-12)

    @pytest.mark.parametrize("weighting", ["CORR", "HIER"])
    def test_batch_equals_loop(self, weighting: str) -> None:
        y, v, cluster, x = self.case()
        ys = np.random.default_rng(1).normal(size=(5, len(y)))
        m = robust_meta_regression(ys, v, cluster, x, weighting=weighting)
        for i, row in enumerate(ys):
            one = robust_meta_regression(row, v, cluster, x, weighting=weighting)
            assert m.tests.p[i] == pytest.approx(one.tests.p, rel=1e-11)

    def test_homogeneous_effects_have_no_variance(self) -> None:
        y, v, cluster, _ = self.case()
        for weighting in ("CORR", "HIER"):
            m = robust_meta_regression(0.001 * y, v, cluster, weighting=weighting)
            assert m.weighting.tau2 == 0

    def test_refused(self) -> None:
        y, v, cluster, _ = self.case()
        with pytest.raises(InvalidInput, match="several effects"):
            robust_meta_regression(y, v, np.arange(len(y)), weighting="HIER")
        with pytest.raises(InvalidInput, match="rho must be <= 1"):
            robust_meta_regression(y, v, cluster, rho=1.2)
        with pytest.raises(InvalidInput, match="choose from CORR"):
            robust_meta_regression(y, v, cluster, weighting="corr")
        dummies = (cluster[:, None] == np.unique(cluster)).astype(float)
        with pytest.raises(InvalidInput, match="leave no variation"):
            robust_meta_regression(y, v, cluster, dummies)
        with pytest.raises(InvalidInput, match="1 cluster"):
            robust_meta_regression([0.1, 0.2], [0.1, 0.1], [1, 1])


class TestWorkingModels:
    def test_rho_zero_is_the_three_level_model(self) -> None:
        y, _, cluster, phi = data(21)
        v = np.diagonal(phi)
        m = correlated_hierarchical_effects(y, v, cluster, rho=0)
        plain = three_level(y, v, cluster)
        assert m.beta == pytest.approx(plain.beta, rel=1e-8)
        assert m.sigma2 == pytest.approx(plain.sigma2, rel=1e-6, abs=1e-9)
        assert m.tau2 == pytest.approx(m.sigma2.sum())

    def test_few_clusters_give_no_p_unless_asked(self) -> None:
        y, _, cluster, phi = data(22, m=3)
        v = np.diagonal(phi)
        m = correlated_hierarchical_effects(y, v, cluster)
        assert m.few_clusters
        assert np.isnan(m.p).all()
        assert np.isfinite(correlated_hierarchical_effects(y, v, cluster, show_unreliable=True).p).all()
        assert (m.k, m.clusters) == (len(y), 3)

    def test_a_batch_of_effects(self) -> None:
        y, _, cluster, phi = data(23)
        v = np.diagonal(phi)
        both = correlated_hierarchical_effects(np.stack([y, y[::-1]]), v, cluster)
        for i, row in enumerate((y, y[::-1])):
            one = correlated_hierarchical_effects(row, v, cluster)
            assert both.se[i] == pytest.approx(one.se, rel=1e-7)
            assert both.pi_ub[i] == pytest.approx(one.pi_ub, rel=1e-7)

    def test_a_moderator_gives_a_joint_test_and_no_prediction(self) -> None:
        y, x, cluster, phi = data(24, p=3)
        m = correlated_hierarchical_effects(y, np.diagonal(phi), cluster, design=x)
        assert m.wald is not None
        assert m.wald.df_num == 2
        assert np.isnan(m.pi_lb).all()

    def test_refused(self) -> None:
        with pytest.raises(InvalidInput, match=r"vi must have shape \(k,\)"):
            correlated_hierarchical_effects([0.1, 0.2], [[0.1, 0.2]], [1, 1])
        with pytest.raises(InvalidInput):
            correlated_hierarchical_effects([0.1, 0.2, 0.3], [0.1] * 3, [1, 1, 1])
        with pytest.raises(InvalidInput, match="subgroup 'y' is in one cluster only"):
            subgroup_correlated_effects([0.1, 0.2, 0.3], [0.1] * 3, [1, 2, 2], ["x", "x", "y"])


class TestWildBootstrap:
    def test_all_signs_of_singletons_are_the_sign_flip_test(self) -> None:
        y = np.array([0.5, 0.3, 0.9, -0.2, 0.4, 0.7])
        b = cluster_wild_bootstrap(y, None, np.arange(6), variance=np.ones(6))
        signs = 1 - 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1)
        mean = (signs * y).mean(1)
        t = np.abs(mean) / (signs * y).std(1)
        assert b.p == np.mean(t >= t[0] * (1 - 1e-9))
        assert b.exact
        assert pytest.approx(6 * t[0] ** 2) == b.F

    def test_random_signs_come_near_all_signs(self) -> None:
        y, x, cluster, phi = data(31, m=8, p=3)
        exact = cluster_wild_bootstrap(y, x, cluster, covariance=phi)
        for multipliers in ("rademacher", "mammen", "webb"):
            drawn = cluster_wild_bootstrap(
                y, x, cluster, covariance=phi, multipliers=multipliers, rng=np.random.default_rng(1)
            )
            assert len(drawn.replicates) == 1999
            if multipliers == "rademacher":
                assert drawn.p == pytest.approx(exact.p, abs=0.03)
        again = cluster_wild_bootstrap(y, x, cluster, covariance=phi, rng=np.random.default_rng(1))
        assert again.p == cluster_wild_bootstrap(y, x, cluster, covariance=phi, rng=np.random.default_rng(1)).p

    def test_a_large_effect_has_the_smallest_p(self) -> None:
        y, x, cluster, phi = data(32, m=8)
        b = cluster_wild_bootstrap(y + 100 * x[:, 1], x, cluster, covariance=phi)
        assert b.p == 2 / 2**8

    def test_refused(self) -> None:
        y, x, cluster, phi = data(33, m=15)
        with pytest.raises(InvalidInput, match="at most 14"):
            cluster_wild_bootstrap(y, x, cluster, covariance=phi)
        with pytest.raises(InvalidInput, match="choose from rademacher"):
            cluster_wild_bootstrap(y, x, cluster, covariance=phi, multipliers="normal")
        with pytest.raises(InvalidInput, match="yi must have shape"):
            cluster_wild_bootstrap(np.stack([y, y]), x, cluster, covariance=phi)


def test_tables_are_complete() -> None:
    assert list(ADJUSTMENTS) == ["CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"]
    assert set(COEFFICIENT_TESTS) == {"satterthwaite", "naive_t", "naive_tp", "z"}
    assert set(WALD_TESTS) == {"HTZ", "naive_f", "naive_fp", "chi2"}


class TestMask:
    """Leaving out each cluster in turn, in one call."""

    @staticmethod
    def left_out(cluster: np.ndarray) -> np.ndarray:
        return cluster != np.unique(cluster)[:, None]

    @pytest.mark.parametrize("kind", ADJUSTMENTS)
    @pytest.mark.parametrize("weighted", [False, True])
    def test_robust_variance(self, kind: str, weighted: bool) -> None:
        y, x, cluster, phi = data(41, m=8)
        own = np.linspace(0.5, 2, len(y)) if weighted else None
        rows = self.left_out(cluster)
        fit = robust_variance(y, x, cluster, covariance=phi, weights=own, kind=kind, mask=rows)
        wald = robust_wald_test(fit)
        for i, on in enumerate(rows):
            one = robust_variance(
                y[on],
                x[on],
                cluster[on],
                covariance=phi[np.ix_(on, on)],
                weights=None if own is None else own[on],
                kind=kind,
            )
            assert (fit.k[i], fit.m[i]) == (one.k, one.m)
            assert fit.vb[i] == pytest.approx(one.vb, rel=1e-9, abs=1e-14)
            for test in COEFFICIENT_TESTS:
                assert coefficient_tests(fit, test=test).p[i] == pytest.approx(
                    coefficient_tests(one, test=test).p, rel=1e-9
                )
            assert wald.p[i] == pytest.approx(robust_wald_test(one).p, rel=1e-9)

    @pytest.mark.parametrize("weighting", ["CORR", "HIER"])
    def test_moment_weights(self, weighting: str) -> None:
        y, x, cluster, phi = data(42, m=8)
        v, rows = np.diagonal(phi), self.left_out(cluster)
        m = robust_meta_regression(2 * y, v, cluster, x, weighting=weighting, mask=rows)
        for i, on in enumerate(rows):
            one = robust_meta_regression(2 * y[on], v[on], cluster[on], x[on], weighting=weighting)
            assert m.weighting.tau2[i] == pytest.approx(one.weighting.tau2, rel=1e-9)
            assert m.tests.p[i] == pytest.approx(one.tests.p, rel=1e-8)
            if weighting == "CORR":
                assert m.weighting.I2[i] == pytest.approx(one.weighting.I2, rel=1e-9)

    def test_working_model(self) -> None:
        y, _, cluster, phi = data(43, m=8)
        v, rows = np.diagonal(phi), self.left_out(cluster)
        m = correlated_hierarchical_effects(y, v, cluster, mask=rows)
        for i, on in enumerate(rows):
            one = correlated_hierarchical_effects(y[on], v[on], cluster[on])
            assert m.se[i] == pytest.approx(one.se, rel=1e-7)
            assert m.df[i] == pytest.approx(one.df, rel=1e-7)
            assert m.clusters[i] == 7

    def test_what_is_masked_is_not_looked_at(self) -> None:
        on = [True, True, True, True, False]
        fit = robust_variance(
            [0.1, 0.4, 0.2, 0.3, np.nan], None, [1, 1, 2, 3, 3], variance=[0.1, 0.1, 0.1, 0.2, -1], mask=on
        )
        one = robust_variance([0.1, 0.4, 0.2, 0.3], None, [1, 1, 2, 3], variance=[0.1, 0.1, 0.1, 0.2])
        assert fit.se == pytest.approx(one.se, rel=1e-12)

    def test_refused(self) -> None:
        call = {"yi": [0.1, 0.4, 0.2], "design": None, "cluster": [1, 2, 2], "variance": [0.1] * 3}
        with pytest.raises(InvalidInput, match="fewer than 2 clusters"):
            robust_variance(**call, mask=[False, True, True])
        with pytest.raises(InvalidInput, match="mask must have shape"):
            robust_variance(**call, mask=[True, True])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"design": np.ones((2, 6, 1))}, "one data set at a time"),
        ({"variance": np.ones((2, 6))}, "one data set at a time"),
        ({"weights": np.ones((2, 6))}, "one data set at a time"),
        ({"rng": 7}, "rng must be a Generator"),
        ({"rng": np.random.default_rng(1), "replicates": 0}, "replicates must be >= 1"),
        ({"rng": np.random.default_rng(1), "replicates": "many"}, "replicates must be a int"),
        ({"rng": np.random.default_rng(1), "replicates": 2**27}, "would take"),
    ],
)
def test_wild_bootstrap_refuses(change: dict[str, object], message: str) -> None:
    given = {"yi": [0.5, 0.3, 0.9, 0.2, 0.4, 0.7], "design": None, "cluster": list("AABCDE"), "variance": [0.1] * 6}
    with pytest.raises(InvalidInput, match=message):
        cluster_wild_bootstrap(**(given | change))  # type: ignore[arg-type]


def test_no_robust_fit() -> None:
    for call in (coefficient_tests, robust_wald_test, hotelling_df, satterthwaite_df):
        with pytest.raises(InvalidInput, match="fit must be a RobustFit"):
            call(None)  # type: ignore[operator]
    with pytest.raises(InvalidInput, match="fit must be a RobustFit"):
        linear_contrast(None, [[1.0]])  # type: ignore[arg-type]
