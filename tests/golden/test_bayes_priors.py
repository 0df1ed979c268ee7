"""Priors of tau against one-dimensional integrals by R 4.2.2: integrate() piece by piece, rel.tol 1e-11, with R's own
dnorm, dcauchy, dt, dexp, dunif, dlnorm; quantiles by uniroot(). Five made-up studies."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.bayes.random_effects import bayes_random_effects

YI = [0.31, -0.12, 0.5, 0.2, 0.85]
VI = [0.042, 0.078, 0.03, 0.1, 0.06]
PARAMETERS: dict[str, tuple[float, ...]] = {
    "halfnormal": (0.5,),
    "halfcauchy": (0.3,),
    "halft": (0.4, 3),
    "exponential": (2,),
    "uniform": (3,),
    "lognormal": (-1.5, 0.9),
}
# (prior, normal prior N(0, 4^2) of the mean or uniform): log of the integral of likelihood times prior; mean of mu;
# mean, 2.5 % and 97.5 % quantile of tau; P(mu > 0.1)
R = {
    ("halfnormal", True): (-5.035603536, 0.3760404028, 0.2753749128, 0.01485283795, 0.7279817689, 0.9391311811),
    ("halfnormal", False): (-2.72488816, 0.3768025494, 0.2754847735, 0.01485516607, 0.7284772894, 0.9394307043),
    ("halfcauchy", True): (-5.118654346, 0.3799335434, 0.2313596897, 0.0102907016, 0.6843715352, 0.9539253562),
    ("halfcauchy", False): (-2.807999733, 0.380589521, 0.2314895754, 0.01029168831, 0.6851169182, 0.954143711),
    ("halft", True): (-5.033091104, 0.3776933009, 0.2552806239, 0.01293592621, 0.7003404032, 0.9462526336),
    ("halft", False): (-2.722415149, 0.3784014611, 0.2553919103, 0.01293744396, 0.7009275205, 0.9465136461),
    ("exponential", True): (-5.125980439, 0.3778232125, 0.2592168525, 0.01095278688, 0.7592311958, 0.9441486842),
    ("exponential", False): (-2.815246763, 0.3785667425, 0.2593702305, 0.01095472223, 0.7600950617, 0.9444155413),
    ("uniform", True): (-6.290510024, 0.3706334865, 0.3899096282, 0.02023966487, 1.283003148, 0.9042239694),
    ("uniform", False): (-3.978962144, 0.3720274509, 0.3908894596, 0.0202595971, 1.290208209, 0.9046176848),
    ("lognormal", True): (-4.893375126, 0.3797428022, 0.227139063, 0.03928666586, 0.6054209438, 0.9583159805),
    ("lognormal", False): (-2.582808124, 0.3803453033, 0.227203141, 0.0392869579, 0.6058026489, 0.9585191723),
    ("flat", True): (-5.189725847, 0.3704436679, 0.3984013285, 0.02028339378, 1.320831171, 0.903449028),
    ("flat", False): (-2.87792292, 0.3719697912, 0.4008962674, 0.02030851497, 1.333271833, 0.903769919),
    ("sqrt", True): (-4.342905582, 0.3803016788, 0.2478574509, 0.0005630254005, 0.9198831832, 0.9446861657),
    ("sqrt", False): (-2.031932529, 0.381150347, 0.248508636, 0.0005634917082, 0.9232614988, 0.9449038172),
    ("jeffreys", True): (-3.887360428, 0.3712722866, 0.3487018741, 0.05650649311, 0.9750895662, 0.9179719635),
    ("jeffreys", False): (-1.576282586, 0.3723478921, 0.3492604659, 0.05652179364, 0.978082356, 0.9183391749),
    ("berger_deely", True): (-4.735258922, 0.3707044154, 0.3563185723, 0.06015524336, 0.9872001812, 0.9154435157),
    ("berger_deely", False): (-2.424153981, 0.3718074587, 0.3568964325, 0.06017225858, 0.9902911939, 0.9158231129),
    ("dumouchel", True): (-5.11601013, 0.3835011215, 0.1942422487, 0.005093293594, 0.6515305585, 0.9631751574),
    ("dumouchel", False): (-2.805379672, 0.3840813207, 0.194360394, 0.005093665548, 0.6522480734, 0.9633472324),
    ("shrinkage", True): (-4.873173224, 0.3792578971, 0.2296091732, 0.0382282282, 0.5846906758, 0.9583782825),
    ("shrinkage", False): (-2.562623077, 0.3798574975, 0.2296668228, 0.03822823433, 0.5850287905, 0.9585817867),
    ("I2", True): (-4.879222099, 0.3789734558, 0.2327273145, 0.03902857773, 0.5907306563, 0.9573875046),
    ("I2", False): (-2.568666876, 0.3795811348, 0.2327873656, 0.03902869167, 0.5910799198, 0.9575958229),
}


@pytest.mark.parametrize(("prior", "normal_mean"), R)
def test_numbers_of_every_prior(prior: str, normal_mean: bool) -> None:
    log_marginal, mu, tau, lb, ub, above = R[prior, normal_mean]
    fit = {"tau": (prior, *PARAMETERS.get(prior, ())), "mu": (0, 4) if normal_mean else None}
    post = bayes_random_effects(YI, VI, interval="central", **fit)
    assert post.converged
    got = [post.mu_mean, post.tau_mean, post.tau_lb, post.tau_ub, post.p_mu_above(0.1)]
    np.testing.assert_allclose(got, [mu, tau, lb, ub, above], rtol=2e-9)
    improper = not normal_mean or prior in ("flat", "sqrt", "jeffreys", "berger_deely")
    np.testing.assert_allclose(post.log_marginal, np.nan if improper else log_marginal, rtol=1e-9)


def test_central_interval() -> None:
    post = bayes_random_effects(YI, VI, tau=("halfnormal", 0.5), interval="central")
    np.testing.assert_allclose([post.tau_lb, post.tau_ub], R["halfnormal", True][3:5], rtol=2e-9)
