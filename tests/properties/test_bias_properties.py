"""Small-study effects and influence: what must hold for any set of studies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta.influence.diagnostics import influence
from pipeline.meta.small_study.excess_significance import excess_significance
from pipeline.meta.small_study.failsafe_n import rosenberg
from pipeline.meta.small_study.rank_test import begg
from pipeline.meta.small_study.regression_tests import egger
from pipeline.meta.small_study.trim_and_fill import trim_and_fill

Pair = tuple[np.ndarray, np.ndarray]


@st.composite
def sets_of_studies(draw: st.DrawFn) -> Pair:
    k = draw(st.integers(4, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    v = rng.uniform(0.01, 1, k)
    return rng.normal(draw(st.floats(-1, 1)), np.sqrt(v + draw(st.floats(0, 0.5)))), v


@settings(max_examples=25, deadline=None)
@given(sets_of_studies(), st.floats(0.1, 10))
def test_the_unit_of_measurement_does_not_matter(data: Pair, unit: float) -> None:
    y, v = data
    a, b = egger(y, v), egger(unit * y, unit**2 * v)
    assert (b.slope, b.limit) == (pytest.approx(a.slope, rel=1e-8), pytest.approx(unit * a.limit, rel=1e-8, abs=1e-10))
    assert b.p == pytest.approx(a.p, rel=1e-8)
    assert begg(unit * y, unit**2 * v).p == begg(y, v).p
    assert rosenberg(unit * y, unit**2 * v).n == rosenberg(y, v).n
    one, other = (influence(s * y, s**2 * v, estimator="DL") for s in (1.0, unit))
    assert other.cook_d == pytest.approx(one.cook_d, rel=1e-7, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(sets_of_studies())
def test_a_mirrored_funnel_gives_mirrored_answers(data: Pair) -> None:
    y, v = data
    assert egger(-y, v).statistic == pytest.approx(-egger(y, v).statistic, rel=1e-9)
    assert begg(-y, v).tau == pytest.approx(-begg(y, v).tau)
    left, right = trim_and_fill(y, v, side="left", estimator="DL"), trim_and_fill(-y, v, side="right", estimator="DL")
    assert left.k0 == right.k0
    assert left.pooled.estimate == pytest.approx(-right.pooled.estimate, rel=1e-9, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(sets_of_studies())
def test_tails_of_the_excess_test(data: Pair) -> None:
    y, v = data
    t = excess_significance(y, v)
    rest = excess_significance(y, v, alternative="less")
    assert 0 <= t.p_exact <= 1 and t.p_exact + rest.p_exact >= 1 - 1e-12
    assert t.power.min() >= 0.05 - 1e-12
