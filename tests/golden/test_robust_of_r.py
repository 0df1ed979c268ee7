"""Robust inference against R on data and options beyond the adopted cases.

R 4.2.2 with metafor 3.8-1, clubSandwich 0.5.8, robumeta 2.0 on dat.konstantopoulos2011 and dat.assink2016 (metadat).
"dec" is the year of publication cut at 1990 and 1998; models were fitted with optim, BFGS, reltol 1e-15.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.meta.dependence.correlated_hierarchical import (
    correlated_hierarchical_effects,
    subgroup_correlated_effects,
)
from pipeline.meta.dependence.robust_regression import robust_meta_regression
from pipeline.meta.dependence.robust_variance import robust_variance
from pipeline.meta.dependence.satterthwaite import coefficient_tests, linear_contrast
from pipeline.meta.dependence.wald_htz import robust_wald_test
from pipeline.meta.moderators.design import design
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.reference import quantile

CASES = Path(__file__).parent / "cases"


def case(name: str) -> dict:
    return json.loads((CASES / f"{name}.json").read_text())["input"]


KONST, ASSINK = case("robust_wald_konstantopoulos2011"), case("robust_wald_assink2016")
DEC = design("~dec", {"dec": ["a" if y < 1990 else "b" if y < 1998 else "c" for y in KONST["mods"]["x"]]}).x
TYPE = ["general" if x == "general" else "other" for x in ASSINK["mods"]["x"]]


def konst_dec():  # type: ignore[no-untyped-def]
    """rma.mv(yi, V, mods=~dec, random=~1|district/school), V <- vcalc(vi, district, obs=school, rho=.6)."""
    return correlated_hierarchical_effects(KONST["yi"], KONST["vi"], KONST["cluster"], design=DEC, show_unreliable=True)


def test_correlated_hierarchical_effects_with_a_moderator_of_three_levels() -> None:
    m = konst_dec()
    assert m.sigma2 == pytest.approx([0.07309893233271, 0.04783018403605], rel=1e-5)
    assert m.beta == pytest.approx([0.1201800568720, 0.1464576639643, 0.0212546282802], rel=1e-5)
    assert m.se == pytest.approx([0.1379332791192, 0.2154477215303, 0.1804153281921], rel=1e-6)
    assert m.df == pytest.approx([2.784337392293, 6.110809001814, 2.145323850340], rel=1e-6)
    assert m.p == pytest.approx([0.4521970708034, 0.5215474162164, 0.9163320183898], rel=1e-6)


def test_normal_reference() -> None:
    fit = konst_dec().fit
    assert coefficient_tests(fit, test="z").p == pytest.approx(
        [0.3835951560091, 0.4966419738349, 0.9062186518043], rel=1e-6
    )
    naive, less = coefficient_tests(fit, test="naive_t"), coefficient_tests(fit, test="naive_tp")
    assert naive.p == pytest.approx([0.4040276111904, 0.5120705556245, 0.9085513732907], rel=1e-6)
    assert less.p == pytest.approx([0.4089797515055, 0.5158263342711, 0.9091228421330], rel=1e-6)


def test_linear_contrast() -> None:
    # linear_contrast(m, vcov="CR2", contrasts=matrix(c(0, -1, 1), 1))
    t = coefficient_tests(linear_contrast(konst_dec().fit, [[0, -1, 1]]))
    found = [t.beta[0], t.se[0], t.df[0], t.ci_lb[0], t.ci_ub[0]]
    assert found == pytest.approx(
        [-0.1252030356841, 0.2022776121624, 1.917004731748, -1.032658277849, 0.782252206481], rel=1e-6
    )


@pytest.mark.parametrize(
    ("test", "f", "df", "p"),
    [
        ("chi2", 0.2614243971348, np.inf, 0.7699540839588),
        ("naive_f", 0.2614243971348, 10, 0.7750564776059),
        ("naive_fp", 0.2614243971348, 8, 0.7762843191913),
        ("HTZ", 0.1844875364408, 2.397908294886, 0.8423160365012),
    ],
)
def test_joint_tests(test: str, f: float, df: float, p: float) -> None:
    w = robust_wald_test(konst_dec().fit, test=test)
    assert (w.F, w.df_num, w.p) == (pytest.approx(f, rel=1e-5), 2, pytest.approx(p, rel=1e-5))
    assert w.df_denom == pytest.approx(df, rel=1e-5)


# coef_test(rma(yi, vi, mods = ~ dec), vcov = kind, cluster = district): SE, df_Satt
UNIVARIATE = {
    "CR0": ([0.1060570039071, 0.1695827472296, 0.1324448287328], [2.475032417847, 5.826607216003, 2.345134243232]),
    "CR1": ([0.1112335241082, 0.1778598857914, 0.1389093082694], [2.475032417847, 5.826607216003, 2.345134243232]),
    "CR1p": ([0.1243628606414, 0.1988533975499, 0.1553053279989], [2.475032417847, 5.826607216003, 2.345134243232]),
    "CR1S": ([0.1133128353488, 0.1811846573722, 0.1415059686596], [2.475032417847, 5.826607216003, 2.345134243232]),
    "CR2": ([0.1345559522533, 0.2075012293383, 0.1762985627367], [2.081510890484, 4.871619081324, 2.005732162945]),
    "CR3": ([0.1758840104148, 0.2605506600558, 0.2420754944226], [1.709143373781, 3.874187219756, 1.779537085397]),
}


@pytest.mark.parametrize("kind", UNIVARIATE)
def test_every_kind_with_a_moderator(kind: str) -> None:
    tau2 = meta_regression(KONST["yi"], KONST["vi"], DEC).tau2
    fit = robust_variance(KONST["yi"], DEC, KONST["cluster"], variance=np.array(KONST["vi"]) + tau2, kind=kind)
    se, df = UNIVARIATE[kind]
    assert fit.se == pytest.approx(se, rel=1e-10)
    assert coefficient_tests(fit).df == pytest.approx(df, rel=1e-10)


def test_a_coefficient_that_one_cluster_decides() -> None:
    # ~ deltype: the level "covert" is in one study; CR2 needs a generalised inverse there
    x = design("~x", ASSINK["mods"]).x
    m = correlated_hierarchical_effects(ASSINK["yi"], ASSINK["vi"], ASSINK["cluster"], design=x)
    assert m.beta == pytest.approx([-0.2901837210504, 0.7061900369108, 0.4500423420883], rel=1e-5)
    assert m.se == pytest.approx([0.08234457261967, 0.04182245346577, 0.06651083], rel=1e-5)
    assert m.df == pytest.approx([4.199084328685, 2.317223115101, 2.100740105164], rel=1e-6)
    assert m.p[0] == pytest.approx(0.022489538401617, rel=1e-5)
    assert np.isnan(m.p[1:]).all()  # df below 4
    assert m.wald is not None
    assert pytest.approx(66.6, abs=0.05) == m.wald.F


def test_prediction_interval_of_a_new_trial() -> None:
    # predict(robust(rma.mv(yi, V, random=~1|study/esid), cluster=study, clubSandwich=TRUE))
    # metafor takes the Satterthwaite degrees of freedom of the mean's error for the whole; we take clusters - 1
    m = correlated_hierarchical_effects(ASSINK["yi"], ASSINK["vi"], ASSINK["cluster"])
    found = [m.beta[0], m.se[0], m.ci_lb[0], m.ci_ub[0]]
    assert found == pytest.approx([0.36775488482518, 0.09697201842035, 0.16048437010361, 0.57502539954676], rel=1e-6)
    theirs = quantile(95, m.df) * np.sqrt(m.tau2 + m.se**2)
    assert [m.beta[0] - theirs[0], m.beta[0] + theirs[0]] == pytest.approx(
        [-0.68952535244004, 1.42503512209040], rel=1e-6
    )
    ours = quantile(95, m.clusters - 1) * np.sqrt(m.tau2 + m.se**2)
    assert (m.pi_df[0], m.pi_ub[0] - m.beta[0]) == pytest.approx((m.clusters - 1, ours[0]), rel=1e-12)


def test_subgroup_correlated_effects() -> None:
    # rma.mv(yi, V, mods=~0+g, random=~g|study, struct="DIAG"), V <- vcalc(vi, study, subgroup=g, obs=esid, rho=.6)
    m = subgroup_correlated_effects(ASSINK["yi"], ASSINK["vi"], ASSINK["cluster"], TYPE)
    assert m.components == ("general", "other")
    assert m.tau2 == pytest.approx([0.08676072480978, 0.837600576211], rel=1e-6)
    assert m.beta == pytest.approx([0.3187436496935, 0.1841678636886], rel=1e-6)
    assert m.se == pytest.approx([0.0810170622624, 0.4946035116523], rel=1e-6)
    assert m.df == pytest.approx([15.120292810838, 2.000628250573], rel=1e-6)
    assert m.wald is not None
    assert (m.wald.F, m.wald.df_denom) == (pytest.approx(0.0708565556, rel=1e-5), pytest.approx(2.0810909140, rel=1e-6))


def test_hierarchical_effects() -> None:
    # robu(yi ~ 1, studynum = district, var.eff.size = vi, modelweights = "HIER", small = TRUE)
    m = robust_meta_regression(KONST["yi"], KONST["vi"], KONST["cluster"], weighting="HIER")
    assert (m.weighting.tau2, m.weighting.omega2) == pytest.approx((0.02529243541298, 0.03293560469945), rel=1e-10)
    found = [m.tests.beta[0], m.tests.se[0], m.tests.statistic[0], m.tests.df[0], m.tests.p[0]]
    assert found == pytest.approx(
        [0.1291702058906, 0.07963978065684, 1.621930708815, 7.118977530608, 0.1481325934124], rel=1e-10
    )


def test_hierarchical_effects_without_small_sample_corrections() -> None:
    # robu(yi ~ dec, ..., modelweights = "HIER", small = FALSE)
    m = robust_meta_regression(KONST["yi"], KONST["vi"], KONST["cluster"], DEC, weighting="HIER", small=False)
    assert (m.weighting.tau2, m.weighting.omega2) == pytest.approx((0.07217196222543, 0.02067046204455), rel=1e-10)
    assert m.tests.se == pytest.approx([0.1241221363449, 0.1986007877344, 0.1551439410729], rel=1e-10)
    assert m.tests.p == pytest.approx([0.6532171205912, 0.5429139677800, 0.5616976012725], rel=1e-10)
    assert m.tests.df.tolist() == [8, 8, 8]


def test_hierarchical_effects_with_a_negative_within_variance() -> None:
    # robu(yi ~ 1, dat.assink2016, modelweights = "HIER"): omega2 is cut at 0 and tau2 found from Q
    m = robust_meta_regression(ASSINK["yi"], ASSINK["vi"], ASSINK["cluster"], weighting="HIER")
    assert (m.weighting.tau2, m.weighting.omega2) == (pytest.approx(0.182832221846508, rel=1e-10), 0)
