"""Mixed models of counts against R, where the gold cases depend on the reference's stopping rule or lack a number.

R 4.2.2, lme4 1.1.31 as called by metafor 3.8-1 `rma.glmm` with `control=list(glmerCtrl=list(tolPwrss=1e-11,
optimizer="bobyqa", optCtrl=list(maxfun=1e5, rhoend=1e-9)))`: the penalised least squares inside are then solved, which
they are not at the default tolPwrss=1e-7.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.events import risk_ratio
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells, from_events
from pipeline.meta.pooling.combined_p import combine_p
from pipeline.meta.pooling.tau2_interval import tau2_interval
from pipeline.meta.rare_events.common_odds_ratio import breslow_day, cochran_mantel_haenszel, mantel_haenszel_rate_test
from pipeline.meta.rare_events.glmm import glmm_odds_ratio, glmm_proportion, glmm_rate, glmm_rate_ratio
from pipeline.meta.rare_events.glmm_inference import Glmm
from pipeline.meta.rare_events.mantel_haenszel import mantel_haenszel, mantel_haenszel_rates
from pipeline.meta.rare_events.peto import peto

CASES = Path(__file__).parent / "cases"


def gold(name: str) -> tuple[dict, dict]:
    case = json.loads((CASES / f"{name}.json").read_text())
    return case["input"], case["output"]


def nielweise2007() -> TwoByTwo:
    """metadat dat.nielweise2007: catheter infections, five zero cells in group 1, one trial without events."""
    ai = [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4]
    n1i = [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64]
    ci = [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1]
    n2i = [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58, 175, 180, 105, 262, 362, 69]
    return from_events(ai, n1i, ci, n2i)


def nielweise2008() -> tuple[list[float], ...]:
    given, _ = gold("mh_IRR_nielweise2008")
    return tuple(given[name] for name in ("x1i", "t1i", "x2i", "t2i"))


def bcg() -> TwoByTwo:
    given, _ = gold("mh_OR_bcg")
    return from_cells(*(given[name] for name in ("ai", "bi", "ci", "di")))


def agree(m: Glmm, rel: float = 1e-5, **expected: float) -> None:
    for name, value in expected.items():
        assert np.squeeze(getattr(m, name)) == pytest.approx(value, rel=rel), name
    assert m.converged


def test_laplace_at_a_tighter_threshold() -> None:
    """The gold case's se is 1.4 % and its Wald statistic 2 % off; its logLik is lower (-48.684464)."""
    m = glmm_rate_ratio(*nielweise2008(), model="UM.RS", nodes=1)
    agree(m, beta=-0.4677597333, se=0.2263489346, tau2=0.09134649081, sigma2=0.381763085, log_lik=-48.68429943)
    agree(m, Q_wald=10.54899048, Q_lrt=13.14474229, I2=20.48201042)
    m = glmm_odds_ratio(bcg(), model="UM.RS", nodes=1)
    agree(m, beta=-0.7616489347, se=0.182141335, tau2=0.3198597581, sigma2=1.861600526, log_lik=-126.2962773)


def test_fixed_levels_at_a_tighter_threshold() -> None:
    m = glmm_rate_ratio(*nielweise2008(), model="UM.FS")
    agree(m, beta=-0.4587078071, se=0.2248273302, tau2=0.09564726283, Q_wald=9.697616987, Q_lrt=11.6017744)


def test_quadrature_differs_from_laplace() -> None:
    """The exact likelihood of UM.RS is higher by 0.06 in BCG: Laplace is not the likelihood."""
    exact, laplace = glmm_odds_ratio(bcg(), model="UM.RS"), glmm_odds_ratio(bcg(), model="UM.RS", nodes=1)
    assert exact.log_lik - laplace.log_lik == pytest.approx(0.0588, abs=1e-3)
    more = glmm_odds_ratio(bcg(), model="UM.RS", nodes=31)
    assert more.tau2 == pytest.approx(exact.tau2, rel=1e-8)


def test_log_likelihood_of_the_reference_is_not_marginal() -> None:
    """With nAGQ > 1 the reference's logLik (-34.65) is that of the counts at the modes of the random effects.

    lme4 with nAGQ=1 reports Laplace's -36.931073 for the same model, beside which the quadrature gives -36.935477.
    """
    _, out = gold("glmm_IRR_UM.FS_nielweise2008")
    m = glmm_rate_ratio(*nielweise2008(), model="UM.FS")
    assert m.log_lik_at_modes == pytest.approx(out["logLik"], abs=5e-4)
    assert m.log_lik == pytest.approx(-36.931073, abs=0.01)
    assert glmm_rate_ratio(*nielweise2008(), model="UM.FS", nodes=1).log_lik == pytest.approx(-36.93107255, abs=1e-6)


def test_exact_conditional_model() -> None:
    """Own likelihood in R 4.2.2: lchoose sums, integrate(rel.tol=1e-12), optim(BFGS), second differences."""
    m = glmm_odds_ratio(nielweise2007(), model="CM.EL")
    agree(m, beta=-1.353158198596, se=0.351040401321, tau2=0.693458205299, log_lik=-24.944456633387, rel=1e-6)


def test_exact_conditional_model_at_the_boundary() -> None:
    """The gold case stopped at tau2 = 7e-5 and a lower log-likelihood; the maximum is at 0."""
    given, out = gold("glmm_OR_CM.EL_hine1989")
    m = glmm_odds_ratio(from_cells(*(given[n] for n in ("ai", "bi", "ci", "di"))), model="CM.EL")
    assert m.tau2 == 0
    assert m.tau2_at_boundary
    assert m.log_lik > out["logLik"] + 3e-4
    agree(m, rel=1e-3, beta=out["beta"][0], se=out["se"][0], Q_lrt=out["QE_LRT"])


def test_zero_cells_in_every_model() -> None:
    """dat.nielweise2007; the reference drops the trial without events and so do we."""
    t = nielweise2007()
    m = glmm_odds_ratio(t, model="UM.FS")
    agree(m, beta=-1.236493408, se=0.2803374993, tau2=0.3195129784, Q_wald=11.9382549, Q_lrt=28.7359061)
    assert (m.k, m.Q_df) == (17, 16)
    m = glmm_odds_ratio(t, model="UM.RS", nodes=1)
    agree(m, beta=-1.281225511, se=0.3296463524, tau2=0.7258416458, sigma2=0.5211803971, Q_lrt=28.43161778, rel=5e-5)
    m = glmm_odds_ratio(t, model="CM.AL")
    agree(m, beta=-1.302648515, se=0.3386399679, tau2=0.600683812, Q_wald=11.115454, Q_lrt=27.39173073, rel=5e-5)
    m = glmm_odds_ratio(t, model="UM.RS", nodes=1, drop00=False)
    agree(m, beta=-1.27839673755, sigma2=0.642752462436, I2=40.7517715861, Q_lrt=29.4111506033, rel=5e-5)


def test_codings_and_correlation() -> None:
    t = nielweise2007()
    m = glmm_odds_ratio(t, model="UM.RS", coding=1, nodes=1)
    agree(m, beta=-1.39193098745, tau2=0.579198636197, sigma2=0.628935428299, rel=1e-4)
    m = glmm_odds_ratio(t, model="UM.FS", coding=0)
    agree(m, beta=-1.228627722, se=0.22443842169)
    assert m.tau2_at_boundary
    m = glmm_rate_ratio(*nielweise2008(), model="UM.RS", correlated=True, nodes=1)
    agree(m, beta=-0.443596104718, se=0.239825517976, tau2=0.118593442451, sigma2=0.415555735565, rho=0.703838898558)


def test_moderator() -> None:
    """Absolute latitude in dat.bcg, metafor 3.8-1 rma.glmm(mods=~ablat)."""
    x = np.stack([np.ones(13), [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]], axis=1)
    m = glmm_odds_ratio(bcg(), x, model="UM.RS", nodes=1)
    assert m.beta == pytest.approx([0.362399538667, -0.0326091073154], rel=1e-5)
    assert m.tau2 == pytest.approx(0.00467406343106, rel=1e-4)
    m = glmm_odds_ratio(bcg(), x, model="CM.AL", interval="t")
    assert m.beta == pytest.approx([0.29296851536, -0.0299314862959], rel=1e-5)
    assert m.se == pytest.approx([0.186835808603, 0.00536123211682], rel=1e-5)
    agree(m, QM=31.1693212247, QM_p=0.000164445901849, Q_wald=29.8946245625, I2=45.9726736298)
    m = glmm_odds_ratio(bcg(), x, model="UM.FS")
    assert m.beta == pytest.approx([0.398859044979, -0.0333291441598], rel=1e-6)
    assert m.tau2_at_boundary


def test_one_group() -> None:
    m = glmm_proportion([11, 24, 179, 82, 3], [29, 33, 326, 240, 60])
    agree(m, beta=-0.547950, tau2=1.482168, rel=5e-5)
    x1, t1, _, _ = nielweise2008()
    m = glmm_rate(x1, t1)
    agree(m, beta=-6.05835088961, se=0.33026571495, tau2=0.654297830231, Q_lrt=44.4877956741, rel=3e-4)


def test_mantel_haenszel_with_zero_cells() -> None:
    """metafor 3.8-1 rma.mh, dat.nielweise2007."""
    t = nielweise2007()
    m = mantel_haenszel(t)
    assert [m.estimate, m.se, m.Q] == pytest.approx([-1.20870483273377, 0.222445421341601, 16.8636572911234], rel=1e-12)
    assert cochran_mantel_haenszel(t).statistic == pytest.approx(32.2135612609801, rel=1e-12)
    assert cochran_mantel_haenszel(t, correct=False).statistic == pytest.approx(33.3101297808173, rel=1e-12)
    assert breslow_day(t, m.estimate).p == pytest.approx(0.0587081732477592, rel=1e-10)
    m = mantel_haenszel(t, add=(0.5, 0.5), to=("only0", "if0all"))
    assert [m.estimate, m.se, m.Q] == pytest.approx([-1.02294746923692, 0.197975856570008, 15.869148926386], rel=1e-12)
    m = mantel_haenszel(t, measure="RD", add=(0.5, 0.5), to=("only0", "only0"), drop00=(True, True))
    assert [m.estimate, m.se, m.Q, m.k] == pytest.approx(
        [-0.0253703311021668, 0.00450286898963969, 59.4416746182916, 17], rel=1e-12
    )
    p = peto(t)
    assert [p.estimate, p.se, p.Q, p.Q_p] == pytest.approx(
        [-1.10574494676301, 0.191587337011734, 18.7345092861252, 0.282670779392964], rel=1e-12
    )


def test_mantel_haenszel_rates() -> None:
    """metafor 3.8-1 rma.mh, dat.hart1999."""
    x = ([9, 8, 3, 6, 7, 20], [413, 263, 487, 237, 489, 507], [19, 19, 13, 9, 23, 50], [398, 245, 435, 241, 483, 405])
    m = mantel_haenszel_rates(*x, measure="IRD")
    assert [m.estimate, m.se, m.Q] == pytest.approx([-0.039351346850971, 0.0061049838708695, 12.5320344730479])
    assert mantel_haenszel_rate_test(*x).statistic == pytest.approx(43.0656382800767, rel=1e-12)
    assert mantel_haenszel_rate_test(*x, correct=False).statistic == pytest.approx(44.035930888613, rel=1e-12)


def test_limits_of_tau2() -> None:
    """metafor 3.8-1 `confint(r, control=list(tol=1e-13))`; by its default the lower limit is 0.11969531, as in meta."""
    es: EffectSize = risk_ratio(bcg())
    i = tau2_interval(es.yi, es.vi)
    assert [i.tau2_lb, i.tau2_ub] == pytest.approx([0.11971836114126, 1.11147908406093], rel=1e-11)
    given, _ = gold("meta_metacor_molloy")
    i = tau2_interval(np.arctanh(given["r"]), 1 / (np.array(given["n"]) - 3))
    assert [i.tau2_lb, i.tau2_ub] == pytest.approx([0.0016951740131394, 0.0377708984126905], rel=1e-9)


def test_combined_p() -> None:
    """R 4.2.2: pchisq, pt, pnorm, and the alternating sum of Edgington 1972."""
    p = [0.01, 0.2, 0.03, 0.7, 0.11]
    assert combine_p(p, method="edgington").p == pytest.approx(0.0106356666666667, rel=1e-12)
    assert combine_p(p, method="pearson").p == pytest.approx(0.0228193335625136, rel=1e-12)
    r = combine_p(p, method="logit")
    assert [r.statistic, r.p] == pytest.approx([2.7344214569557157, 0.00527155697417184], rel=1e-12)
    r = combine_p(p, method="stouffer", weights=[10, 20, 30, 40, 50])
    assert [r.statistic, r.p] == pytest.approx([1.8455560134760403, 0.0324783491501274], rel=1e-12)
    assert combine_p([0.01, 0.2, 0.03, 0.9, 0.95], method="edgington").p == pytest.approx(0.268206343995, rel=1e-11)
