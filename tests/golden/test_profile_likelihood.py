"""Profile likelihood intervals of the mean against R 4.2.2 (dnorm, optimize(), uniroot() on the profile)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.meta.pooling.mean_profile_likelihood import profile_interval
from tests.golden.test_gold import CASES

# ci_lb, ci_ub, likelihood ratio of a mean of 0
R = {
    "rma_bcg_ML_z": (-1.088789061053, -0.354975794509, 11.103246160697),
    "pimeta_HTS_molloy": (0.0877178900839, 0.2168285597101, 14.7454559595412),
}


@pytest.mark.parametrize("case", R)
def test_limits_by_another_program(case: str) -> None:
    data = json.loads(CASES[case].read_text())["input"]
    i = profile_interval(data["yi"], data["vi"])
    assert i.converged
    np.testing.assert_allclose([i.ci_lb, i.ci_ub, i.statistic], R[case], rtol=1e-10)


def test_four_studies_without_heterogeneity() -> None:
    i = profile_interval([0.1, 0.3, 0.2, 0.25], [0.04, 0.05, 0.03, 0.08])
    got = [i.ci_lb, i.ci_ub, i.statistic]
    np.testing.assert_allclose(got, [-0.00479449782534, 0.41003358243038, 3.67706361715107], rtol=1e-10)


def test_bartlett_of_a_normal_sample() -> None:
    """Equal variances: the exact likelihood ratio k log(1 + t^2 / (k - 1)) has mean k (psi(k/2) - psi((k-1)/2))."""
    from scipy.special import digamma

    for k in (20, 40):
        y = np.linspace(-3, 3, k)
        factor = profile_interval(y, np.full(k, 0.01), correction="bartlett").factor
        exact = k * (digamma(k / 2) - digamma((k - 1) / 2))
        assert abs(factor - exact) < 2.5 / k**2
