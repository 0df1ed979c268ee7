"""Models of dependent effects. Numbers of R are of metafor 3.8-1 on data sets of metadat, each with its call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta import guards
from pipeline.meta.arrays import InvalidInput
from pipeline.meta.dependence import block_likelihood as blocks
from pipeline.meta.dependence import newton, profile_likelihood
from pipeline.meta.dependence.blup import random_effects_of
from pipeline.meta.dependence.cluster_deletion import leave_one_cluster_out
from pipeline.meta.dependence.multilevel import coefficient_covariance, three_level
from pipeline.meta.dependence.multilevel_i2 import multilevel_i2, typical_sampling_variance
from pipeline.meta.dependence.multivariate import multivariate, prepared
from pipeline.meta.dependence.new_study import predict_new_study
from pipeline.meta.dependence.profile_likelihood import (
    Component,
    component_intervals,
    components,
    profile_log_likelihood,
)
from pipeline.meta.dependence.random_terms import Correlated, Intercepts, Slopes, nested, ready
from pipeline.meta.dependence.structures import STRUCTURES
from pipeline.meta.pooling.meta_regression import meta_regression

CASES = Path(__file__).parents[2] / "golden" / "cases"
RHO = 0.6


def case(name: str) -> dict[str, Any]:
    return {
        k: np.array(v) if isinstance(v, list) else v
        for k, v in json.loads((CASES / f"{name}.json").read_text())["input"].items()
    }


@pytest.fixture(scope="module")
def schools() -> dict[str, Any]:
    return case("mv_3level_konstantopoulos2011_REML_z")


@pytest.fixture(scope="module")
def periodontal() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Effects, V, design, outcome and trial of Berkey et al. 1998."""
    c = case("mv_berkey_UN")
    return c["yi"], c["V"], (c["outcome"][:, None] == ["AL", "PD"]).astype(float), c["outcome"], c["trial"]


def correlated(vi: np.ndarray, cluster: np.ndarray, rho: float = RHO) -> np.ndarray:
    return np.sqrt(np.outer(vi, vi)) * np.where(cluster[:, None] == cluster, rho, 0) + (1 - rho) * np.diag(vi)


def simulated(seed: int, k: int = 40, clusters: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cluster = np.sort(np.append(np.arange(clusters), rng.integers(0, clusters, k - clusters)))
    vi = rng.uniform(0.02, 0.2, k)
    y = rng.normal(size=clusters)[cluster] * 0.3 + rng.normal(size=k) * np.sqrt(vi + 0.05)
    return y, vi, cluster, np.column_stack([np.ones(k), rng.normal(size=k)])


@pytest.mark.parametrize("estimator", ["REML", "ML"])
@pytest.mark.parametrize("full", [False, True])
def test_both_engines_agree(estimator: str, full: bool) -> None:
    y, vi, cluster, x = simulated(1)
    v = correlated(vi, cluster) if full else vi
    a = three_level(y, v, cluster, design=x, estimator=estimator)
    b = multivariate(y, v, x, random=nested(cluster, np.arange(len(y))), estimator=estimator)
    assert a.converged
    assert b.converged
    for name in ("beta", "se", "vb", "df", "p", "ci_lb", "log_lik", "AIC", "BIC", "AICc", "Q", "Q_p", "QM", "QM_p"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9), name
    assert a.sigma2 == pytest.approx(b.sigma2, rel=1e-9)
    assert a.marginal == pytest.approx(b.marginal, rel=1e-9)


@pytest.mark.parametrize("full", [False, True])
def test_a_batch_is_its_fits_one_by_one(full: bool) -> None:
    y, vi, cluster, x = simulated(2)
    v = correlated(vi, cluster) if full else vi
    rng = np.random.default_rng(3)
    several = y + rng.normal(size=(6, len(y))) * 0.1
    mask = rng.random((6, len(y))) < 0.85
    batch = three_level(several, v, cluster, design=x, mask=mask)
    for n, on in enumerate(mask):
        part = v[np.ix_(on, on)] if full else v[on]
        one = three_level(several[n, on], part, cluster[on], design=x[on])
        for name in ("beta", "se", "sigma2", "df", "p", "log_lik", "BIC", "Q"):
            assert getattr(batch, name)[n] == pytest.approx(getattr(one, name), rel=1e-10, abs=1e-12), name
        assert batch.k[n] == on.sum()
        assert batch.clusters[n] == len(set(cluster[on]))


def test_a_batch_of_the_general_model() -> None:
    y, vi, cluster, x = simulated(4)
    several = y + np.random.default_rng(5).normal(size=(2, 3, len(y))) * 0.1
    terms = [Correlated(np.arange(len(y)) % 3, cluster, "HCS")]
    batch = multivariate(several, vi, x, random=terms)
    for place in np.ndindex(2, 3):
        one = multivariate(several[place], vi, x, random=terms)
        assert batch.beta[place] == pytest.approx(one.beta, rel=1e-9)
        assert batch.tau2[0][place] == pytest.approx(one.tau2[0], rel=1e-7, abs=1e-10)
        assert batch.log_lik[place] == pytest.approx(one.log_lik, rel=1e-12)


@pytest.mark.parametrize("name", list(STRUCTURES))
@pytest.mark.parametrize("restricted", [True, False])
def test_score_and_hessian_are_the_slopes_of_the_likelihood(name: str, restricted: bool) -> None:
    y, vi, cluster, x = simulated(6, 24, 6)
    inner = np.array([1.0, 2.0, 4.0, 4.5])[np.arange(24) % 4]
    v = correlated(vi, cluster, 0.3)
    terms = ready([Intercepts(np.arange(24) % 5), Correlated(inner, cluster, name)], 24)
    model, _, _ = prepared(y, v, x, terms, restricted=restricted)
    theta = np.concatenate([0.6 * t.structure.starts[0] for t in terms])
    theta = theta + 0.05 * np.random.default_rng(7).random(len(theta))
    s, h = blocks.slopes(model, theta), 1e-5
    for n, e in enumerate(np.eye(len(theta))):
        up, down = blocks.slopes(model, theta + h * e), blocks.slopes(model, theta - h * e)
        assert s.score[n] == pytest.approx((up.value - down.value) / (2 * h), abs=1e-6)
        assert s.hessian[n] == pytest.approx((up.score - down.score) / (2 * h), abs=1e-5)


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_the_search_ends_where_the_score_is_zero(name: str) -> None:
    c = case("mv_ishak_AR")
    v = np.sqrt(np.outer(c["vi"], c["vi"])) * 0.97 ** np.abs(c["time"][:, None] - c["time"])
    v = v * (c["study"][:, None] == c["study"])
    x = (c["time"][:, None] == [1, 2, 3, 4]).astype(float)
    fit = multivariate(c["yi"], v, x, random=[Correlated(c["time"], c["study"], name)])
    assert fit.converged
    assert np.abs(fit.score).max() < 1e-11


@pytest.mark.parametrize(
    ("name", "estimator", "log_lik", "tau2", "rho"),
    [
        ("CAR", "ML", -241.151203215535, [25.5354153067312], [0.872066309099205]),
        ("HAR", "ML", -240.1781, None, None),
        ("UN", "REML", -229.702, None, None),
        ("HCS", "ML", -240.7476, None, None),
        ("DIAG", "ML", -256.0457, None, None),
    ],
)
def test_repeated_measurements_as_metafor(name: str, estimator: str, log_lik: float, tau2: Any, rho: Any) -> None:
    # dat.ishak2007: V <- vcalc(vi, study, time1=time, phi=.97)
    # rma.mv(yi, V, mods=~factor(time)-1, random=~time|study, struct=, method=)
    c = case("mv_ishak_AR")
    v = np.sqrt(np.outer(c["vi"], c["vi"])) * 0.97 ** np.abs(c["time"][:, None] - c["time"])
    x = (c["time"][:, None] == [1, 2, 3, 4]).astype(float)
    terms = [Correlated(c["time"], c["study"], name)]
    fit = multivariate(c["yi"], v * (c["study"][:, None] == c["study"]), x, random=terms, estimator=estimator)
    assert fit.log_lik == pytest.approx(log_lik, abs=1e-4 if tau2 is None else 1e-9)
    if tau2 is not None:
        assert fit.tau2[0] == pytest.approx(tau2, rel=1e-6)
        assert fit.rho[0] == pytest.approx(rho, rel=1e-6)


def test_a_known_correlation_of_groups(schools: dict[str, Any]) -> None:
    # R <- .6^abs(outer(1:11, 1:11, "-")) by district
    # rma.mv(yi, vi, random=list(~1|district, ~1|study), R=list(district=R))
    names = list(dict.fromkeys(schools["cluster"].tolist()))
    r = 0.6 ** np.abs(np.subtract.outer(np.arange(11), np.arange(11)))
    terms = [Intercepts(schools["cluster"], r, names), Intercepts(np.arange(56))]
    fit = multivariate(schools["yi"], schools["vi"], random=terms)
    assert fit.log_lik == pytest.approx(-9.98173512536285, abs=1e-10)
    assert fit.sigma2 == pytest.approx([0.17335637560679, 0.0331491165513283], rel=1e-6)
    assert fit.se == pytest.approx([0.227675293826731], rel=1e-6)


def test_effects_at_levels_that_meet_rarely() -> None:
    # dat.assink2016: rma.mv(yi, vi, random=list(~deltype|study, ~1|id), struct="HCS")
    c = case("mv_3level_mod_assink2016")
    x = json.loads((CASES / "mv_3level_mod_assink2016.json").read_text())["input"]["mods"]["x"]
    fit = multivariate(c["yi"], c["vi"], random=[Correlated(x, c["cluster"], "HCS"), Intercepts(np.arange(100))])
    assert fit.log_lik == pytest.approx(-69.0833046143728, abs=1e-10)
    assert fit.tau2[0] == pytest.approx([2.7519175283987, 0.191599906423826, 0.0992775549776931], rel=1e-5)
    assert fit.rho[0] == pytest.approx([0.971078426325384], rel=1e-6)
    assert fit.identifiable


def test_components_that_nothing_tells_apart_are_flagged() -> None:
    # dat.assink2016, mods=~deltype: "covert" is in one study only, so its variance is confounded with its mean
    c = case("mv_3level_mod_assink2016")
    kind = np.array(json.loads((CASES / "mv_3level_mod_assink2016.json").read_text())["input"]["mods"]["x"])
    x = np.column_stack([np.ones(100), kind == "general", kind == "overt"])
    terms = [Correlated(kind, c["cluster"], "DIAG"), Intercepts(np.arange(100))]
    fit = multivariate(c["yi"], c["vi"], x, random=terms)
    assert fit.log_lik == pytest.approx(-68.30815, abs=1e-4)
    assert not fit.identifiable


def test_degrees_of_freedom_are_those_of_the_level_of_a_moderator(schools: dict[str, Any]) -> None:
    # dat.konstantopoulos2011: rma.mv(mods=~factor(year), random=~1|district/school, dfs="contain")$ddf:
    # a district has 1994 and 1995. And rma.mv(mods=~z, random=list(~1|district, ~1|study)): 9 and 54
    year = case("mv_crossed_konst")["f2"]
    x = np.column_stack([np.ones(56), *(year == y for y in np.unique(year)[1:])])
    fit = multivariate(schools["yi"], schools["vi"], x, random=nested(schools["cluster"], schools["unit"]))
    assert fit.df.tolist() == [5, 5, 50, 50, 5, 5]
    assert fit.QM_df2 == 5
    assert three_level(schools["yi"], schools["vi"], schools["cluster"], design=x).df.tolist() == [5, 5, 50, 50, 5, 5]
    x = np.column_stack([np.ones(56), np.arange(56) % 2])
    fit = multivariate(schools["yi"], schools["vi"], x, random=nested(schools["cluster"], schools["unit"]))
    assert fit.df.tolist() == [9, 54]


def test_degrees_of_freedom_of_outcomes(periodontal: Any) -> None:
    # dat.berkey1998: rma.mv(mods=~outcome+year, random=~outcome|trial, dfs="contain")$ddf is 2, 7, 2
    y, v, x, outcome, trial = periodontal
    year = np.repeat([1983, 1982, 1979, 1987, 1988], 2)
    x = np.column_stack([np.ones(10), outcome == "PD", year])
    assert multivariate(y, v, x, random=[Correlated(outcome, trial, "UN")]).df.tolist() == [2, 7, 2]


def test_one_effect_per_group_is_the_random_effects_model() -> None:
    y, vi, _, x = simulated(8)
    for estimator in ("REML", "ML"):
        plain = meta_regression(y, vi, x, estimator=estimator, interval="t")
        fit = multivariate(y, vi, x, random=[Intercepts(np.arange(len(y)))], estimator=estimator, test="t")
        assert fit.sigma2 == pytest.approx([float(plain.tau2)], rel=1e-9)
        for name in ("beta", "se", "p", "ci_lb", "Q", "QM", "QM_p"):
            assert getattr(fit, name) == pytest.approx(getattr(plain, name), rel=1e-8), name
        assert fit.log_lik == pytest.approx(float(getattr(plain, estimator.lower()).log_lik), rel=1e-12)
        assert pytest.approx(float(getattr(plain, estimator.lower()).BIC), rel=1e-12) == fit.BIC


def test_no_random_term_is_generalised_least_squares() -> None:
    y, vi, cluster, x = simulated(9)
    v = correlated(vi, cluster)
    fit = multivariate(y, v, x)
    w = np.linalg.inv(v)
    assert fit.beta == pytest.approx(np.linalg.solve(x.T @ w @ x, x.T @ w @ y), rel=1e-10)
    assert fit.vb == pytest.approx(np.linalg.inv(x.T @ w @ x), rel=1e-10)
    e = y - x @ fit.beta
    assert pytest.approx(e @ w @ e, rel=1e-10) == fit.Q


def test_slopes_with_a_column_of_ones_are_intercepts() -> None:
    y, vi, cluster, x = simulated(10)
    a = multivariate(y, vi, x, random=[Slopes(np.ones((len(y), 1)), cluster, "UN"), Intercepts(np.arange(len(y)))])
    b = three_level(y, vi, cluster, design=x)
    assert a.log_lik == pytest.approx(b.log_lik, rel=1e-12)
    assert a.tau2[0][0] == pytest.approx(b.sigma2[0], rel=1e-7)


def test_compound_symmetry_is_the_three_level_model(schools: dict[str, Any]) -> None:
    a = multivariate(schools["yi"], schools["vi"], random=[Correlated(schools["unit"], schools["cluster"], "CS")])
    b = three_level(schools["yi"], schools["vi"], schools["cluster"])
    assert a.log_lik == pytest.approx(b.log_lik, rel=1e-12)
    assert a.tau2[0] == pytest.approx([b.sigma2.sum()], rel=1e-9)
    assert a.rho[0] == pytest.approx([b.sigma2[0] / b.sigma2.sum()], rel=1e-9)


def test_identical_effects_have_no_heterogeneity() -> None:
    fit = three_level(np.full(8, 0.3), np.full(8, 0.04), np.repeat([1, 2, 3, 4], 2))
    assert fit.sigma2.tolist() == [0, 0]
    assert fit.boundary
    assert fit.converged
    assert fit.beta == pytest.approx([0.3], rel=1e-12)
    assert fit.se == pytest.approx([np.sqrt(0.04 / 8)], rel=1e-12)
    assert multilevel_i2(fit).total == 0


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_identical_effects_at_two_levels(name: str) -> None:
    fit = multivariate([0.3] * 6, [0.02] * 6, random=[Correlated([1, 2] * 3, [1, 1, 2, 2, 3, 3], name)])
    assert np.abs(fit.tau2[0]).max() < 1e-20
    assert fit.boundary
    assert fit.converged
    assert fit.se == pytest.approx([np.sqrt(0.02 / 6)], rel=1e-12)


def test_two_effects() -> None:
    fit = multivariate([0.1, 0.9], [0.02, 0.03], random=[Intercepts([1, 2])])
    assert fit.sigma2 == pytest.approx([(0.64 - 0.05) / 2], rel=1e-12)
    assert fit.df == [1]


def test_variances_twelve_orders_of_magnitude_apart() -> None:
    y, vi, cluster, _ = simulated(11)
    vi = vi * np.where(np.arange(len(y)) % 2, 1e-9, 1e3)
    a = three_level(y, vi, cluster)
    b = multivariate(y, vi, random=nested(cluster, np.arange(len(y))))
    assert a.converged
    assert a.log_lik == pytest.approx(b.log_lik, rel=1e-9)
    assert a.sigma2 == pytest.approx(b.sigma2, rel=1e-6)


def test_a_member_of_a_batch_that_cannot_be_fitted_is_flagged() -> None:
    y, vi, cluster, _ = simulated(15)
    one_each = np.unique(cluster, return_index=True)[1]
    mask = np.ones((3, len(y)), dtype=bool)
    mask[1] = np.isin(np.arange(len(y)), one_each)
    mask[2] = cluster == np.bincount(cluster).argmax()
    fit = three_level(y, vi, cluster, mask=mask)
    assert fit.converged.tolist() == [True, False, False]
    assert fit.clusters.tolist() == [9, 9, 1]


def test_a_search_that_is_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    y, vi, cluster, _ = simulated(16)
    assert three_level(y, vi, cluster).converged
    monkeypatch.setattr(newton, "ITERATIONS_AT_MOST", 2)
    assert not three_level(y, vi, cluster).converged
    assert not multivariate(y, vi, random=nested(cluster, np.arange(len(y)))).converged


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-5, 5))
def test_units_and_origin_do_not_matter(seed: int, scale: float, shift: float) -> None:
    y, vi, cluster, x = simulated(seed, 25, 7)
    a = three_level(y, vi, cluster, design=x)
    b = three_level(scale * y + shift, scale**2 * vi, cluster, design=x)
    assert b.sigma2 == pytest.approx(scale**2 * a.sigma2, rel=1e-6, abs=1e-9 * scale**2)
    assert b.beta[1] == pytest.approx(scale * a.beta[1], rel=1e-6, abs=1e-9 * scale)
    assert b.beta[0] == pytest.approx(scale * a.beta[0] + shift, rel=1e-6, abs=1e-7 * scale)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_no_other_variances_are_likelier(seed: int) -> None:
    y, vi, cluster, _ = simulated(seed, 18, 6)
    fit = multivariate(y, vi, random=nested(cluster, np.arange(18)))
    model, _, _ = prepared(y, np.diag(vi), np.ones((18, 1)), ready(fit.random, 18), restricted=True)
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 21) ** 2, np.linspace(0, 1, 21) ** 2), -1)
    assert fit.converged
    assert blocks.slopes(model, grid).value.max() <= fit.log_lik + 1e-9


def test_i2_levels_add_up() -> None:
    y, vi, cluster, _ = simulated(12)
    i2 = multilevel_i2(three_level(y, vi, cluster))
    assert i2.levels.sum() == pytest.approx(i2.total)
    assert i2.total + i2.sampling == pytest.approx(100)
    terms = nested(cluster, np.arange(len(y)))
    assert multilevel_i2(multivariate(y, vi, random=terms)).total == pytest.approx(i2.total, rel=1e-8)
    mask = np.arange(len(y)) != 3
    masked = multilevel_i2(three_level(y, vi, cluster, mask=mask))
    assert masked.total == pytest.approx(multilevel_i2(three_level(y[mask], vi[mask], cluster[mask])).total, rel=1e-9)
    with pytest.raises(InvalidInput, match="intercepts"):
        multilevel_i2(multivariate(y, vi, random=[Correlated(np.arange(len(y)) % 2, cluster)]))


@pytest.mark.parametrize("name", ["CS", "HCS", "UN"])
def test_profile_intervals_as_metafor(periodontal: Any, name: str) -> None:
    # dat.berkey1998 with V of the case: confint(rma.mv(yi, V, mods=~0+outcome, random=~outcome|trial, struct=))
    y, v, x, outcome, trial = periodontal
    fit = multivariate(y, v, x, random=[Correlated(outcome, trial, name)])
    found = {(i.component.kind, i.component.index): (i.ci_lb, i.ci_ub) for i in component_intervals(fit)}
    if name == "CS":
        assert found["tau2", 0] == pytest.approx((0.008602425, 0.135725351), abs=1e-9)
        assert found["rho", 0] == pytest.approx((-0.609050512, 0.959997895), abs=1e-9)
        return
    assert found["tau2", 0] == pytest.approx((0.009496446, 0.206776601), abs=1e-9)
    assert found["tau2", 1] == pytest.approx((0.000054677, 0.111439625), abs=1e-9)
    assert found["rho", 0] == pytest.approx((-0.599618181, 1), abs=2e-9)


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_the_profile_peaks_at_the_estimate(name: str) -> None:
    y, vi, cluster, _ = simulated(13, 60, 12)
    inner = np.arange(60) % 3 + 1.0
    fit = multivariate(y, vi, random=[Correlated(inner, cluster, name), Intercepts(np.arange(60) % 10)])
    for c in components(fit):
        value = profile_log_likelihood(fit, c, np.array([c.estimate]))
        assert value == pytest.approx([float(fit.log_lik)], abs=1e-7), c
        if c.kind == "tau2":
            assert profile_log_likelihood(fit, c, 1.5 * c.estimate + 0.01) < fit.log_lik


def test_predictions_of_random_effects_as_metafor(schools: dict[str, Any]) -> None:
    # dat.konstantopoulos2011: ranef(rma.mv(yi, vi, random=~1|district/school))
    terms = nested(schools["cluster"], schools["unit"])
    district, school = random_effects_of(multivariate(schools["yi"], schools["vi"], random=terms, test="z"))
    assert district.groups[:2] == (11, 12)
    assert district.u[:3, 0] == pytest.approx([-0.18998595560, -0.08467076984, 0.14072729897], abs=1e-7)
    assert district.se[:3, 0] == pytest.approx([0.1665396579, 0.1240789055, 0.1372405254], abs=1e-7)
    assert school.groups[0] == (11, 1)
    assert school.u[:3, 0] == pytest.approx([-0.03794674532, -0.04663382863, 0.04357906271], abs=1e-7)
    assert (school.pi_lb[0, 0], school.pi_ub[0, 0]) == pytest.approx((-0.3591494515, 0.2832559609), abs=1e-7)


def test_prediction_for_a_new_study_as_metafor(schools: dict[str, Any], periodontal: Any) -> None:
    # predict(rma.mv(yi, vi, random=~1|district/school, dfs="contain"))
    new = predict_new_study(three_level(schools["yi"], schools["vi"], schools["cluster"]))
    assert (new.pi_lb[0], new.pi_ub[0]) == pytest.approx((-0.5371081067, 0.9065344341), abs=1e-7)
    y, v, x, outcome, trial = periodontal
    fit = multivariate(y, v, x, random=[Correlated(outcome, trial, "UN")], test="z")
    both = predict_new_study(fit, np.eye(2), levels={0: ["AL", "PD"]})
    assert both.heterogeneity == pytest.approx(fit.tau2[0])
    with pytest.raises(InvalidInput, match="AL, PD"):
        predict_new_study(fit, np.eye(2))
    with pytest.raises(InvalidInput, match="rows"):
        predict_new_study(fit)


def test_deletion_of_clusters_as_metafor(schools: dict[str, Any]) -> None:
    # m <- rma.mv(yi, vi, mods=~year, random=~1|district/school); cooks.distance, dfbetas(m, cluster=district)
    x = np.column_stack([np.ones(56), case("mv_crossed_konst")["f2"]])
    d = leave_one_cluster_out(schools["yi"], schools["vi"], schools["cluster"], design=x)
    assert d.labels[:2] == (11, 12)
    assert d.cooks[:4] == pytest.approx([1.96548465e-01, 1.24082823e-02, 3.49576586e-02, 1.11760233], rel=1e-5)
    assert d.dfbetas[0] == pytest.approx([-0.36746968102, 0.36636974853], abs=1e-5)
    assert d.dfbetas[3] == pytest.approx([0.96536916769, -0.96242722733], abs=1e-5)


def test_effects_that_v_links_are_not_torn_apart() -> None:
    y, vi, cluster, _ = simulated(14)
    v = np.diag(vi)
    v[0, -1] = v[-1, 0] = 0.01
    fit = multivariate(y, v, random=[Intercepts(cluster), Intercepts(np.arange(len(y)))])
    w = np.linalg.inv(fit.marginal)
    assert fit.beta == pytest.approx([(w @ y).sum() / w.sum()], rel=1e-10)
    with pytest.raises(InvalidInput, match="multivariate"):
        three_level(y, v, cluster)


def test_levels_that_never_meet_have_no_correlation() -> None:
    # rma.mv(y, rep(.02, 10), random=~g|s, struct="UN"): rho fixed to 0 for levels that never meet, and not counted
    y, level = [1, 0.3, 0.8, 0.9, 0.1, 1.1, 0.2, 0.3, 0.5, 0.4], [1, 2, 1, 2, 1, 2, 3, 3, 3, 3]
    fit = multivariate(y, [0.02] * 10, random=[Correlated(level, [1, 1, 2, 2, 3, 3, 4, 5, 6, 7], "UN")])
    assert fit.tau2[0] == pytest.approx([0.1919543, 0.2409863, 0], abs=1e-6)
    assert fit.rho[0] == pytest.approx([-0.06290668, 0, 0], abs=1e-6)
    assert (fit.log_lik, fit.AIC) == pytest.approx((-2.020331, 14.04066), abs=1e-5)
    assert fit.boundary
    with pytest.raises(InvalidInput, match="never meet"):
        component_intervals(fit)


def test_more_than_pairs_as_metafor() -> None:
    # each group has two of four levels; all pairs that occur correlate more than any covariance of four levels allows
    # rma.mv(y, vi, random=~l|s, struct="UN"): tau2, rho, logLik by the code of this test in R
    rng = np.random.default_rng(1)
    group, level = np.repeat(np.arange(40), 2), np.array([[0, 1], [1, 2], [2, 3], [0, 3]])[np.arange(40) % 4].ravel()
    g = [[0.3, 0.15, 0.1, 0.1], [0.15, 0.3, 0.15, 0.1], [0.1, 0.15, 0.3, 0.15], [0.1, 0.1, 0.15, 0.3]]
    u = (np.linalg.cholesky(g) @ rng.normal(size=(4, 40))).T
    vi = rng.uniform(0.02, 0.1, 80)
    y = u[group, level] + rng.normal(size=80) * np.sqrt(vi)
    fit = multivariate(y, vi, random=[Correlated(level, group, "UN")])
    assert fit.converged
    assert fit.log_lik == pytest.approx(-59.7036958, abs=1e-7)
    assert fit.tau2[0] == pytest.approx([0.24965221, 0.27370194, 0.27398193, 0.35562369], rel=1e-5)
    assert fit.rho[0] == pytest.approx([0.62241861, 0, 0.71670238, 0.87064178, 0, 0.74176561], abs=1e-5)


Y, V, G = [0.1, 0.4, 0.3, 0.9], [0.02, 0.03, 0.02, 0.04], ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"yi": Y[:3]}, "as many effects"),
        ({"yi": [0.1, np.nan, 0.3, 0.9]}, r"yi\[1\] must be finite"),
        ({"v": [0.02, 0, 0.02, 0.04]}, r"v\[1\] must be > 0"),
        ({"v": np.full((4, 4), 0.02)}, "between clusters"),
        ({"v": np.kron(np.eye(2), np.full((2, 2), 0.02))}, "positive definite"),
        ({"cluster": G[:3]}, "cluster"),
        ({"cluster": ["a"] * 4}, "one cluster"),
        ({"cluster": list("abcd")}, "no cluster has two effects"),
        ({"design": np.ones((4, 2))}, "combination"),
        ({"design": np.ones((3, 1))}, "one row for each"),
        ({"design": np.eye(4)}, "cannot carry"),
        ({"estimator": "DL"}, "choose from REML, ML"),
        ({"test": "knha"}, "choose from z, t, contain"),
        ({"level": 100}, "percentage"),
        ({"mask": [True, False, False, False]}, "cannot carry"),
    ],
)
def test_three_level_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        three_level(**({"yi": Y, "v": V, "cluster": G} | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v": V[:3]}, "variances"),
        ({"v": [[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "symmetric"),
        ({"v": np.full((4, 4), 0.02)}, "positive definite"),
        ({"random": [Intercepts(["a"] * 4)]}, "needs two"),
        ({"random": [Intercepts(G[:3])]}, "one label for each"),
        ({"random": [Correlated(["x"] * 4, G)]}, "two levels"),
        ({"random": [Correlated(["x", "y"] * 2, G, "AR2")]}, "choose from CS, HCS, UN"),
        ({"random": [Correlated(["x", "y"] * 2, G, "CAR")]}, "inner is not numeric"),
        ({"random": [Slopes(np.ones((3, 1)), G)]}, "4 rows"),
        ({"random": [Intercepts(G, np.eye(2), ["a", "c"])]}, "without one: \\['b'\\]"),
        ({"design": np.ones((4, 2))}, "combination"),
    ],
)
def test_multivariate_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        multivariate(**({"yi": Y, "v": V, "random": [Intercepts(G)]} | change))


GROUPED = {"yi": [0.1, 0.4, 0.3, 0.9, 0.8, 0.2], "v": [0.02] * 6, "cluster": list("aabbcc")}


def test_a_batch_of_designs() -> None:
    x = np.stack([np.column_stack([np.ones(6), np.arange(6.0) ** n]) for n in (1, 2, 3)])
    batch = three_level(**GROUPED, design=x)
    for n in range(3):
        one = three_level(**GROUPED, design=x[n])
        np.testing.assert_allclose(batch.beta[n], one.beta, rtol=1e-12)
        np.testing.assert_allclose(batch.log_lik[n], one.log_lik, rtol=1e-12)
    with pytest.raises(InvalidInput, match="do not fit"):
        three_level(np.ones((2, 6)), GROUPED["v"], GROUPED["cluster"], design=x)
    with pytest.raises(InvalidInput, match="found design"):
        leave_one_cluster_out(**GROUPED, design=x)


def test_a_design_without_columns() -> None:
    none = np.ones((6, 0))
    for call in (three_level, leave_one_cluster_out):
        with pytest.raises(InvalidInput, match="and a column"):
            call(**GROUPED, design=none)
    with pytest.raises(InvalidInput, match="and a column"):
        multivariate(GROUPED["yi"], GROUPED["v"], none)


@pytest.mark.parametrize(
    ("random", "message"),
    [
        ("study", "random must be a sequence of random terms"),
        (Intercepts(list("aabbcc")), "random must be a sequence"),
        ([None], r"random\[0\] must be a Intercepts or Correlated or Slopes"),
        ([Intercepts(list("aabbcc")), "study"], r"random\[1\] must be"),
    ],
)
def test_random_terms_that_are_none(random: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        multivariate(GROUPED["yi"], GROUPED["v"], random=random)


@pytest.mark.parametrize(
    "call",
    [
        components,
        component_intervals,
        random_effects_of,
        predict_new_study,
        multilevel_i2,
        typical_sampling_variance,
        lambda fit: profile_log_likelihood(fit, None, [0.1]),
        lambda fit: coefficient_covariance(fit, [0.1, 0.1]),
    ],
)
def test_no_fit(call: Any) -> None:
    with pytest.raises(InvalidInput, match="fit must be a"):
        call(None)


def test_components_of_a_profile() -> None:
    fit = multivariate(GROUPED["yi"], GROUPED["v"], random=[Intercepts(GROUPED["cluster"])])
    one = components(fit)[0]
    with pytest.raises(InvalidInput, match="component must be a Component"):
        profile_log_likelihood(fit, None, [0.1])  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="is no component of this fit"):
        profile_log_likelihood(fit, Component(3, "tau2", 0, 0.1), [0.1])
    with pytest.raises(InvalidInput, match="values"):
        profile_log_likelihood(fit, one, [-0.1])


def test_a_long_profile_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = multivariate(GROUPED["yi"], GROUPED["v"], random=nested(GROUPED["cluster"], list("uvwxyz")))
    one, at = components(fit)[0], np.linspace(0, 1, 7)
    whole = profile_log_likelihood(fit, one, at)
    monkeypatch.setattr(profile_likelihood, "MOST_NUMBERS", 1000)
    np.testing.assert_allclose(profile_log_likelihood(fit, one, at), whole, rtol=1e-12)
    assert profile_log_likelihood(fit, one, []).shape == (0,)
    monkeypatch.setattr(guards, "MOST_NUMBERS", 10)
    with pytest.raises(InvalidInput, match="one value of the profile would take"):
        profile_log_likelihood(fit, one, at)


def test_labels_of_nested_levels() -> None:
    for labels in ((), (5,), ("abc",)):
        with pytest.raises(InvalidInput, match="nested needs the labels"):
            nested(*labels)
