"""Tests of coefficients, predictions, variance inflation and comparisons of models.

Numbers from metafor 3.8-1 (R 4.2.2) on metadat's dat.bcg, log risk ratios, threshold 1e-14:
`r <- rma(yi, vi, mods = ~ alloc + ablat + year, test = "knha")`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.moderators.collinearity import inflation_by_term, variance_inflation
from pipeline.meta.moderators.design import design, new_rows
from pipeline.meta.moderators.location_scale import location_scale
from pipeline.meta.moderators.model_comparison import compare_nested, information_criteria, rank_models
from pipeline.meta.moderators.predict import predict
from pipeline.meta.moderators.wald import contrasts, omnibus, term_tests, wald_test
from pipeline.meta.pooling.meta_regression import meta_regression

BCG = json.loads((Path(__file__).parents[2] / "golden" / "metafor_3_8" / "rma_uni.json").read_text())["data"]["bcg"]
BCG.pop("source")
Y, V = np.array(BCG["yi"]), np.array(BCG["vi"])
FULL = design("~ alloc + ablat + year", BCG)
FIT = meta_regression(Y, V, FULL.x, interval="hk")


class TestWald:
    def test_set_of_coefficients_against_metafor(self) -> None:
        t = omnibus(FIT.beta, FIT.vb, [1, 2], df=FIT.df)
        assert (t.statistic, t.p) == (pytest.approx(0.650277897005864), pytest.approx(0.547424635970101))
        assert (t.df1, t.df2) == (2, 8)
        by_term = term_tests(FULL, FIT.beta, FIT.vb, df=FIT.df)
        assert list(by_term) == ["alloc", "ablat", "year"]
        assert by_term["alloc"].statistic == t.statistic

    def test_linear_combinations_against_metafor(self) -> None:
        # anova(r, X = rbind(c(0, -1, 1, 0, 0), c(0, 0, 0, 1, -2)), rhs = c(.1, .05))
        rows = [[0, -1, 1, 0, 0], [0, 0, 0, 1, -2]]
        t = wald_test(FIT.beta, FIT.vb, rows, [0.1, 0.05], df=FIT.df)
        assert (t.statistic, t.p) == (pytest.approx(4.01904745093376), pytest.approx(0.0619082933783267))
        c = contrasts(FIT.beta, FIT.vb, rows, [0.1, 0.05], df=FIT.df)
        np.testing.assert_allclose(c.estimate - [0.1, 0.05], [0.252165671953632, -0.0885189927726062], rtol=1e-8)
        np.testing.assert_allclose(c.se, [0.344120902662072, 0.0326643543824129], rtol=1e-8)
        assert c.p[1] == pytest.approx(0.0266598762184154)

    def test_one_row_is_the_square_of_t(self) -> None:
        row = [0, 0, 0, 1, 0]
        t, c = wald_test(FIT.beta, FIT.vb, row, df=FIT.df), contrasts(FIT.beta, FIT.vb, row, df=FIT.df)
        assert (t.statistic, t.p) == (pytest.approx(c.statistic[0] ** 2), pytest.approx(c.p[0]))

    def test_all_but_the_intercept_is_the_omnibus_test_of_the_fit(self) -> None:
        t = omnibus(FIT.beta, FIT.vb, range(1, 5), df=FIT.df)
        assert (t.statistic, t.p) == (pytest.approx(FIT.QM), pytest.approx(FIT.QM_p))
        assert np.isnan(omnibus(FIT.beta, FIT.vb, []).statistic)

    def test_batch_equals_loop(self) -> None:
        fits = meta_regression(np.stack([Y, Y[::-1], Y * 2]), V, FULL.x, interval="wald")
        t = wald_test(fits.beta, fits.vb, [[0, 1, -1, 0, 0], [0, 0, 0, 1, 0]])
        for i in range(3):
            one = wald_test(fits.beta[i], fits.vb[i], [[0, 1, -1, 0, 0], [0, 0, 0, 1, 0]])
            assert t.statistic[i] == pytest.approx(one.statistic, rel=1e-12)

    def test_errors(self) -> None:
        with pytest.raises(InvalidInput, match="combinations of one another"):
            wald_test(FIT.beta, FIT.vb, [[0, 1, 0, 0, 0], [0, 2, 0, 0, 0]])
        with pytest.raises(InvalidInput, match="shapes differ"):
            wald_test(FIT.beta, FIT.vb, [[0, 1]])
        with pytest.raises(InvalidInput, match="row of the hypothesis is zero"):
            contrasts(FIT.beta, FIT.vb, [0, 0, 0, 0, 0])
        with pytest.raises(InvalidInput, match="between 0 and 4"):
            omnibus(FIT.beta, FIT.vb, [5])


class TestInflation:
    def test_against_metafor(self) -> None:
        each = [2.08576503794241, 2.01931667854592, 1.76973159944716, 1.91482065805338]
        np.testing.assert_allclose(variance_inflation(FIT.vb).gvif, each, rtol=1e-8)
        together = variance_inflation(FIT.vb, [[1, 2]])
        assert together.gvif[0] == pytest.approx(1.2339229814056, rel=1e-8)
        assert together.gsif[0] == pytest.approx(1.05395486586348, rel=1e-8)
        assert inflation_by_term(FULL, FIT.vb)["alloc"] == pytest.approx(1.2339229814056, rel=1e-8)

    def test_without_intercept(self) -> None:
        # vif(rma(yi, vi, mods = ~ 0 + factor(alloc) + ablat)), four digits
        m = meta_regression(Y, V, design("~ 0 + alloc + ablat", BCG).x)
        np.testing.assert_allclose(
            variance_inflation(m.vb, intercept=False).gvif, [1.9203, 3.6187, 2.2852, 5.8242], atol=6e-5
        )

    def test_one_moderator_has_none(self) -> None:
        m = meta_regression(Y, V, design("~ ablat", BCG).x)
        assert variance_inflation(m.vb).gvif[0] == pytest.approx(1, abs=1e-12)

    def test_errors(self) -> None:
        with pytest.raises(InvalidInput, match="besides the intercept"):
            variance_inflation([[1.0]])
        with pytest.raises(InvalidInput, match="between 1 and 4"):
            variance_inflation(FIT.vb, [[0, 1]])


class TestPredict:
    def test_against_metafor(self) -> None:
        # predict(r, newmods = rbind(c(1, 0, 20, 1960), c(0, 1, 40, 1975)), level = 90, transf = exp)
        p = predict(FIT, [[1, 1, 0, 20, 1960], [1, 0, 1, 40, 1975]], level=90, transform=np.exp)
        np.testing.assert_allclose(p.estimate, [0.522268454224395, 0.518739301271009], rtol=1e-8)
        np.testing.assert_allclose(p.ci_lb, [0.251574389802094, 0.277026533764206], rtol=1e-8)
        np.testing.assert_allclose(p.pi_lb, [0.178337102957315, 0.189459279803246], rtol=1e-8)
        np.testing.assert_allclose(p.pi_ub, [1.52948732347202, 1.42030764057895], rtol=1e-8)

    def test_rows_by_name(self) -> None:
        rows = new_rows(FULL, {"alloc": ["random", "systematic"], "ablat": [20, 40], "year": [1960, 1975]})
        assert rows.tolist() == [[1, 1, 0, 20, 1960], [1, 0, 1, 40, 1975]]

    def test_location_scale_against_metafor(self) -> None:
        # predict(rma(yi, vi, mods = ~ ablat, scale = ~ year), newmods = c(20, 40), newscale = c(1960, 1975))
        scale = design("~ year", BCG)
        m = location_scale(Y, V, design("~ ablat", BCG).x, scale.x)
        tau2 = np.exp(new_rows(scale, {"year": [1960, 1975]}) @ m.alpha)
        p = predict(m, [[1, 20], [1, 40]], tau2=tau2)
        np.testing.assert_allclose(p.estimate, [-0.345401741212247, -0.896165226543942], rtol=1e-4)
        np.testing.assert_allclose(p.pi_lb, [-0.932135541757442, -1.59491241460291], rtol=1e-4)
        with pytest.raises(InvalidInput, match="tau2 is needed"):
            predict(m, [[1, 20]])

    def test_a_turning_transformation_swaps_the_limits(self) -> None:
        p = predict(FIT, FULL.x, transform=np.negative)
        assert np.all(p.ci_lb < p.estimate) and np.all(p.estimate < p.ci_ub) and np.all(p.pi_lb < p.ci_lb)

    def test_fitted_values(self) -> None:
        p = predict(FIT, FULL.x)
        np.testing.assert_allclose(p.estimate, FIT.fitted, rtol=1e-12)
        np.testing.assert_allclose(p.se, FIT.fitted_se, rtol=1e-9)

    def test_common_effect_has_no_prediction_interval(self) -> None:
        assert np.isnan(predict(meta_regression(Y, V, estimator="EE")).pi_lb).all()

    def test_method(self) -> None:
        assert predict(FIT, FULL.x, method="t_k1").pi_ub == pytest.approx(predict(FIT, FULL.x).pi_ub, rel=1e-12)
        assert np.all(predict(FIT, FULL.x, method="t_k2").pi_ub > predict(FIT, FULL.x).pi_ub)

    def test_batch_equals_loop(self) -> None:
        fits = meta_regression(np.stack([Y, Y[::-1]]), V, FULL.x, interval="hk")
        p = predict(fits, FULL.x)
        for i, y in enumerate((Y, Y[::-1])):
            one = predict(meta_regression(y, V, FULL.x, interval="hk"), FULL.x)
            np.testing.assert_allclose(p.pi_lb[i], one.pi_lb, rtol=1e-12)

    def test_errors(self) -> None:
        with pytest.raises(InvalidInput, match="one value per coefficient: 5"):
            predict(FIT, [[1, 2]])
        with pytest.raises(InvalidInput, match="rows are needed"):
            predict(FIT)


class TestComparison:
    def test_against_metafor(self) -> None:
        # anova(rma(..., mods = ~ alloc + ablat + year, method = "ML"), rma(..., mods = ~ ablat, method = "ML"))
        n = compare_nested(Y, V, FULL.x, design("~ ablat", BCG).x)
        assert n.df == 3 and n.converged
        assert (n.LRT, n.p) == (pytest.approx(1.5301383276691), pytest.approx(0.675332091406777))
        np.testing.assert_allclose(n.R2, 4.21387700844541, rtol=1e-8)
        assert (n.full.AIC, n.full.BIC, n.full.AICc) == (
            pytest.approx(25.8411927291592), pytest.approx(29.2308888739284), pytest.approx(39.8411927291592),
        )  # fmt: skip
        assert n.reduced.AICc == pytest.approx(24.0379977234949)

    def test_coding_does_not_matter(self) -> None:
        a = compare_nested(Y, V, design("~ 0 + alloc", BCG).x, None)
        b = compare_nested(Y, V, design("~ alloc", BCG).x, None)
        np.testing.assert_allclose(a.LRT, b.LRT, rtol=1e-9)

    def test_ranking(self) -> None:
        designs = {"none": None, "ablat": design("~ ablat", BCG).x, "all": FULL.x}
        r = rank_models(Y, V, designs)
        assert r.parameters.tolist() == [2, 3, 6]
        assert r.fit.AICc[1:].tolist() == pytest.approx([24.0379977234949, 39.8411927291592])
        assert r.weight.sum() == pytest.approx(1) and r.weight.argmax() == 1
        both = rank_models(np.stack([Y, Y[::-1]]), V, designs)
        np.testing.assert_allclose(both.fit.AICc[0], r.fit.AICc, rtol=1e-12)

    def test_errors(self) -> None:
        with pytest.raises(InvalidInput, match="not nested"):
            compare_nested(Y, V, design("~ alloc", BCG).x, design("~ year", BCG).x)
        with pytest.raises(InvalidInput, match="not fewer"):
            compare_nested(Y, V, design("~ ablat", BCG).x, design("~ year", BCG).x)
        with pytest.raises(InvalidInput, match="ML or EE"):
            compare_nested(Y, V, FULL.x, estimator="REML")
        with pytest.raises(InvalidInput, match="no model"):
            rank_models(Y, V, {})


SINGULAR = np.ones((4, 4))


class TestWhatIsNoCovariance:
    @pytest.mark.parametrize(
        ("vb", "message"),
        [(np.zeros((4, 4)), "must be > 0"), (-np.eye(4), "must be > 0"), (SINGULAR, "not positive definite")],
    )
    def test_tests_refuse(self, vb: np.ndarray, message: str) -> None:
        b = np.ones(4)
        with pytest.raises(InvalidInput, match=message):
            wald_test(b, vb, np.eye(4)[1:])
        with pytest.raises(InvalidInput, match=message):
            variance_inflation(vb)
        made = design("~ kind", {"kind": list("abcd")})
        with pytest.raises(InvalidInput, match=message):
            term_tests(made, b, vb)
        if message == "must be > 0":
            with pytest.raises(InvalidInput, match=message):
                contrasts(b, vb, np.eye(4)[1])

    def test_a_fixed_coefficient_that_is_not_tested(self) -> None:
        v = np.diag([0.0, 0.04])
        assert float(wald_test([1.0, 0.4], v, [0, 1]).statistic) == pytest.approx(4)
        assert float(contrasts([1.0, 0.4], v, [0, 1]).se[0]) == pytest.approx(0.2)

    @pytest.mark.parametrize("df", [0, -1, -np.inf, [3.0, 4.0], "many"])
    def test_degrees_of_freedom(self, df: object) -> None:
        for test in (wald_test, contrasts):
            with pytest.raises(InvalidInput, match="df"):
                test([0.5, 1.0], np.eye(2), [0, 1], df=df)

    @pytest.mark.parametrize("value", [[1.0, 2.0, 3.0], np.ones((1000, 1)), np.nan])
    def test_values(self, value: object) -> None:
        for test in (wald_test, contrasts):
            with pytest.raises(InvalidInput, match="value"):
                test([0.5, 1.0], np.eye(2), np.eye(2), value)

    def test_batches_that_do_not_fit(self) -> None:
        for test in (wald_test, contrasts):
            with pytest.raises(InvalidInput, match="do not fit"):
                test(np.ones((3, 2)), np.stack([np.eye(2)] * 2), [0, 1])

    def test_more_rows_than_memory(self) -> None:
        with pytest.raises(InvalidInput, match="would take"):
            contrasts(np.ones((2**15, 2)), np.eye(2), np.ones((2**15, 2)))


def test_wrong_objects() -> None:
    for call in (lambda: term_tests(None, np.ones(2), np.eye(2)), lambda: inflation_by_term(None, np.eye(2))):  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="made must be a Design"):
            call()
    with pytest.raises(InvalidInput, match="fit must be a Regression or LocationScale"):
        predict(None)  # type: ignore[arg-type]


def test_tau2_of_new_studies() -> None:
    rows = FULL.x[:2]
    with pytest.raises(InvalidInput, match=r"tau2 must fit the shape \(2,\)"):
        predict(FIT, rows, tau2=[0.1, 0.2, 0.3])
    assert predict(FIT, rows, tau2=[0.1, 0.2]).pi_lb.shape == (2,)
    common = meta_regression(Y, V, FULL.x, estimator="EE")
    assert np.isnan(predict(common, rows, method="t_k2").pi_lb).all()
    assert np.isfinite(predict(common, rows, method="t_k2").ci_lb).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n must be > 0"),
        ({"n": -3}, "n must be > 0"),
        ({"n": np.inf}, "n must be finite"),
        ({"n": np.nan}, "n must be finite"),
        ({"log_lik": np.nan}, "log_lik must be finite"),
        ({"parameters": -1}, "parameters must be >= 0"),
        ({"log_lik": [1.0, 2.0], "n": [3, 4, 5]}, "do not fit"),
    ],
)
def test_information_criteria_refuse(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        information_criteria(**({"log_lik": -10.0, "parameters": 2, "n": 20} | change))  # type: ignore[arg-type]


@pytest.mark.parametrize("sets", [[1], "ab", [["a"]], [[1.5]]])
def test_sets_of_columns(sets: object) -> None:
    with pytest.raises(InvalidInput, match=r"sets\[0\] must be a sequence of columns"):
        variance_inflation(np.eye(3), sets)  # type: ignore[arg-type]


def test_columns_and_models_that_are_none() -> None:
    with pytest.raises(InvalidInput, match="columns must be whole numbers"):
        omnibus(np.ones(2), np.eye(2), ["a"])
    with pytest.raises(InvalidInput, match="designs must be a Mapping"):
        rank_models(Y, V, [FULL.x])  # type: ignore[arg-type]
