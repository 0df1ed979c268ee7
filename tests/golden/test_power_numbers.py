"""Power against other software, and against distributions that scipy has from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.meta.moderators import power

# R 4.2.2: pnorm and pchisq at the noncentralities of Hedges & Pigott 2001 and 2004


def test_one_sided() -> None:
    # pnorm(qnorm(.95), .15 / sqrt((.05 + .03) / 8), 1, lower = FALSE)
    up = power.power_mean(0.15, 0.05, 8, tau2=0.03, alternative="greater")
    down = power.power_mean(-0.15, 0.05, 8, tau2=0.03, alternative="less")
    assert up.power == pytest.approx(0.442413220250124, rel=1e-12)
    assert down.power == pytest.approx(0.442413220250123, rel=1e-12)
    strict = power.power_mean(0.15, 0.05, 8, tau2=0.03, alternative="greater", level=99)
    assert strict.power == pytest.approx(0.204303391759566, rel=1e-12)


def test_heterogeneity() -> None:
    # equal variances: pchisq(qchisq(.95, 9) / 2, 9, lower = FALSE)
    assert power.power_heterogeneity([0.08] * 10, 0.08).power == pytest.approx(0.488583935555576, rel=1e-12)
    # pchisq(qchisq(.95, 3), 3, ncp = 5, lower = FALSE)
    fixed = power.power_fixed_heterogeneity([0.04] * 4, [0, 0.2, 0.4, 0.6])
    assert (fixed.noncentrality, fixed.power) == (pytest.approx(5), pytest.approx(0.440508984540252, rel=1e-10))


def test_heterogeneity_with_unequal_variances_against_simulation() -> None:
    v, tau2 = np.array([0.02, 0.05, 0.01, 0.2, 0.08, 0.04]), 0.05
    y = np.random.default_rng(3).standard_normal((400_000, 6)) * np.sqrt(v + tau2)
    w = 1 / v
    q = np.sum(w * (y - (y @ w / w.sum())[:, None]) ** 2, 1)
    share = np.mean(q > stats.chi2.isf(0.05, 5))
    assert power.power_heterogeneity(v, tau2).power == pytest.approx(share, abs=0.02)


def test_moderator() -> None:
    x = np.column_stack([np.ones(6), [1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 1, 0]])
    p = power.power_moderator(
        [0.1, 0.05, 0.3], x, [0.02, 0.05, 0.04, 0.1, 0.03, 0.06], [[0, 1, 0], [0, 0, 1]], tau2=0.01
    )
    assert p.noncentrality == pytest.approx(4.60455141098312, rel=1e-12)
    assert p.power == pytest.approx(0.469617478863548, rel=1e-10)


def test_subgroups() -> None:
    p = power.power_subgroups([0.1, 0.3, 0.5], [4, 6, 10], 0.05, tau2=0.01)
    assert p.power == pytest.approx(0.725156461052474, rel=1e-10)
