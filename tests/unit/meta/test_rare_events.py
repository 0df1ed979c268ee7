"""Mantel-Haenszel, Peto, stratified tests and pooled proportions: limits, batches, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.effect_sizes.measures import MEASURES
from pipeline.meta.effect_sizes.rates import incidence_rate_ratio
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells, pearson_chi_square
from pipeline.meta.pooling.heterogeneity_limits import heterogeneity_limits
from pipeline.meta.rare_events.common_odds_ratio import breslow_day, cochran_mantel_haenszel, expected_events
from pipeline.meta.rare_events.fixed_weights import FixedWeightPool
from pipeline.meta.rare_events.mantel_haenszel import MANTEL_HAENSZEL, mantel_haenszel, mantel_haenszel_rates
from pipeline.meta.rare_events.peto import peto
from pipeline.meta.rare_events.proportions import (
    PROPORTION_SCALES,
    freeman_tukey,
    inverse_freeman_tukey,
    pool_proportions,
)

A, B, C, D = [2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143], [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142]
FIELDS = ("estimate", "se", "ci_lb", "ci_ub", "statistic", "p", "Q", "Q_df", "Q_p", "I2", "H2", "k")


def same(batch: FixedWeightPool, row: int, one: FixedWeightPool) -> None:
    for name in FIELDS:
        assert getattr(batch, name)[row] == pytest.approx(getattr(one, name), rel=1e-12, abs=1e-14), name


def random_tables(rng: np.random.Generator, rows: int = 4, k: int = 7) -> TwoByTwo:
    n1, n2 = rng.integers(20, 200, (2, rows, k)).astype(float)
    a, c = rng.binomial(n1.astype(int), 0.05), rng.binomial(n2.astype(int), 0.08)
    a[:, 0], c[:, 0] = 3, 4
    return TwoByTwo(a.astype(float), n1 - a, c.astype(float), n2 - c)


@pytest.mark.parametrize("measure", MANTEL_HAENSZEL)
def test_one_study_is_its_own_effect(measure: str) -> None:
    table = from_cells([6], [101], [4], [106])
    m = mantel_haenszel(table, measure=measure)
    es = MEASURES[measure](table)
    assert m.estimate == pytest.approx(es.yi[0], rel=1e-13)
    if measure != "RD":  # the variance of the risk difference is one for sparse data, too
        assert m.se == pytest.approx(np.sqrt(es.vi[0]), rel=1e-13)
    assert (m.Q, m.Q_df, m.Q_p, m.I2, m.H2) == (0, 0, 1, 0, 1)


def test_one_study_of_person_time() -> None:
    x = ([7], [1344.0], [11], [1988.0])
    es = incidence_rate_ratio(*x)
    m = mantel_haenszel_rates(*x)
    assert [m.estimate, m.se] == pytest.approx([es.yi[0], np.sqrt(es.vi[0])], rel=1e-13)
    m = mantel_haenszel_rates(*x, measure="IRD")
    assert m.se == pytest.approx(np.sqrt(7 / 1344**2 + 11 / 1988**2), rel=1e-13)


@pytest.mark.parametrize("measure", MANTEL_HAENSZEL)
def test_batch_is_a_loop(measure: str) -> None:
    t = random_tables(np.random.default_rng(3))
    mask = np.random.default_rng(4).random(t.ai.shape) < 0.7
    mask[:, 0] = True
    holes = TwoByTwo(*(np.where(mask, x, np.nan) for x in (t.ai, t.bi, t.ci, t.di)))
    batch = mantel_haenszel(holes, measure=measure, mask=mask)
    for i, on in enumerate(mask):
        one = mantel_haenszel(TwoByTwo(*(x[i, on] for x in (t.ai, t.bi, t.ci, t.di))), measure=measure)
        same(batch, i, one)
        assert batch.weights[i, on] == pytest.approx(one.weights, rel=1e-12)
        assert (batch.weights[i, ~on] == 0).all()


def test_a_study_left_out_starts_no_correction() -> None:
    mask = np.array([True] * 6 + [False])
    for hole in (0.0, np.nan):
        padded = TwoByTwo(*(np.append(x, hole).astype(float) for x in (A, B, C, D)))
        for pooled in (
            lambda t, **o: mantel_haenszel(t, add=(0.5, 0.5), to=("if0all", "if0all"), **o),
            lambda t, **o: peto(t, add=0.5, to="if0all", **o),
        ):
            assert pooled(padded, mask=mask).estimate == pooled(from_cells(A, B, C, D)).estimate


def test_batch_of_peto_and_tests_is_a_loop() -> None:
    t = random_tables(np.random.default_rng(5))
    mask = np.ones(t.ai.shape, dtype=bool)
    mask[1, 4:] = False
    batch, cmh = peto(t, mask=mask), cochran_mantel_haenszel(t, mask=mask)
    bd = breslow_day(t, batch.estimate, mask=mask)
    for i, on in enumerate(mask):
        row = TwoByTwo(*(x[i, on] for x in (t.ai, t.bi, t.ci, t.di)))
        same(batch, i, peto(row))
        assert cmh.statistic[i] == pytest.approx(cochran_mantel_haenszel(row).statistic, rel=1e-12)
        assert bd.statistic[i] == pytest.approx(breslow_day(row, batch.estimate[i]).statistic, rel=1e-12)


def test_batch_of_rates_is_a_loop() -> None:
    rng = np.random.default_rng(6)
    x1, x2 = rng.poisson(4, (2, 3, 5)) + 0.0
    t1, t2 = rng.uniform(50, 500, (2, 3, 5))
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2, [True] * 4 + [False]])
    for measure in ("IRR", "IRD"):
        batch = mantel_haenszel_rates(x1, t1, x2, t2, measure=measure, mask=mask)
        for i, on in enumerate(mask):
            one = mantel_haenszel_rates(x1[i, on], t1[i, on], x2[i, on], t2[i, on], measure=measure)
            same(batch, i, one)


def test_studies_without_events_change_no_ratio() -> None:
    base = mantel_haenszel(from_cells(A, B, C, D))
    more = mantel_haenszel(from_cells([*A, 0], [*B, 50], [*C, 0], [*D, 40]))
    assert [more.estimate, more.se, more.Q] == pytest.approx([base.estimate, base.se, base.Q], rel=1e-13)
    assert (base.k, more.k, more.Q_df) == (6, 7, 5)
    assert peto(from_cells([*A, 0], [*B, 50], [*C, 0], [*D, 40])).estimate == pytest.approx(
        peto(from_cells(A, B, C, D)).estimate, rel=1e-13
    )


counts = st.lists(st.tuples(*[st.integers(1, 60)] * 4), min_size=1, max_size=6)


@given(counts)
@settings(max_examples=25, deadline=None)
def test_turning_groups_and_outcomes_round(rows: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = np.array(rows, dtype=float).T
    m = mantel_haenszel(from_cells(a, b, c, d))
    for turned in (from_cells(c, d, a, b), from_cells(b, a, d, c)):
        t = mantel_haenszel(turned)
        assert t.estimate == pytest.approx(-m.estimate, abs=1e-12)
        assert t.se == pytest.approx(m.se, rel=1e-11)
        assert peto(turned).estimate == pytest.approx(-peto(from_cells(a, b, c, d)).estimate, abs=1e-12)


@given(counts)
@settings(max_examples=25, deadline=None)
def test_expected_events_have_the_odds_ratio(rows: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = np.array(rows, dtype=float).T
    for psi in (0.2, 1.0, 7.0):
        e = expected_events(np.array([psi]), a + b, c + d, a + c)
        assert e * (c + d - (a + c) + e) == pytest.approx(psi * (a + b - e) * (a + c - e), rel=1e-9)


def test_one_table_of_cochran_mantel_haenszel_is_pearson() -> None:
    t = from_cells([6], [101], [4], [106])
    n = 217
    assert cochran_mantel_haenszel(t, correct=False).statistic == pytest.approx(
        pearson_chi_square(t).statistic[0] * (n - 1) / n, rel=1e-13
    )


def test_no_heterogeneity_in_identical_tables() -> None:
    t = from_cells([6] * 4, [101] * 4, [4] * 4, [106] * 4)
    m = mantel_haenszel(t)
    assert pytest.approx(0, abs=1e-20) == m.Q
    assert m.I2 == 0
    assert breslow_day(t, m.estimate).statistic == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (([0, 0], [9, 9], [1, 2], [9, 9]), "no event in one of the groups"),
        (([0, 0], [9, 9], [0, 0], [9, 9]), "no event"),
        (([3, 0], [0, 9], [2, 0], [0, 9]), "zero on the same diagonal"),
    ],
)
def test_ratios_that_do_not_exist(cells: tuple[list[int], ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        mantel_haenszel(from_cells(*cells))


def test_bad_input() -> None:
    t = from_cells(A, B, C, D)
    with pytest.raises(InvalidInput, match="no study"):
        mantel_haenszel(t, mask=np.zeros(6, dtype=bool))
    with pytest.raises(InvalidInput, match="shapes differ"):
        peto(t, mask=np.ones(5, dtype=bool))
    with pytest.raises(InvalidInput, match="measure"):
        mantel_haenszel(t, measure="IRR")
    with pytest.raises(InvalidInput, match="nobody or everybody"):
        peto(from_cells([0, 0], [9, 9], [0, 0], [8, 8]))
    with pytest.raises(InvalidInput, match="batch row 1"):
        mantel_haenszel(from_cells([[1, 2], [0, 0]], [[9, 9]] * 2, [[1, 1]] * 2, [[9, 9]] * 2))
    with pytest.raises(InvalidInput, match="t1i"):
        mantel_haenszel_rates([1], [0.0], [1], [2.0])


def test_difference_of_risks_without_events_is_zero() -> None:
    m = mantel_haenszel(from_cells([0, 0], [9, 9], [0, 0], [9, 9]), measure="RD")
    assert (m.estimate, m.se) == (0, 0)


def test_freeman_tukey_and_back() -> None:
    x, n = np.array([0.0, 1, 7, 20]), np.full(4, 20.0)
    assert inverse_freeman_tukey(freeman_tukey(x, n).yi, n) == pytest.approx(x / n, abs=1e-12)
    assert inverse_freeman_tukey(np.array([-1.0, 2.0]), n[:2]).tolist() == [0, 1]


@pytest.mark.parametrize("scale", PROPORTION_SCALES)
def test_pooled_proportions_in_a_batch(scale: str) -> None:
    x = np.array([[11, 24, 179, 82], [0, 3, 10, 60]])
    n = np.array([29, 33, 326, 240])
    mask = np.array([[True] * 4, [True, True, True, False]])
    batch = pool_proportions(x, np.tile(n, (2, 1)), scale=scale, mask=mask)
    for i, on in enumerate(mask):
        one = pool_proportions(x[i, on], n[on], scale=scale)
        for name in ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "n"):
            assert getattr(batch, name)[i] == pytest.approx(getattr(one, name), rel=1e-7), name
    assert ((batch.pi_lb <= batch.ci_lb) & (batch.ci_lb < batch.estimate) & (batch.estimate < batch.ci_ub)).all()


def test_more_events_than_people() -> None:
    with pytest.raises(InvalidInput, match="more events than people"):
        pool_proportions([3, 9], [5, 8])


def test_limits_of_heterogeneity() -> None:
    h = heterogeneity_limits([152.233, 5.0, 0.0, 1.0], [12, 12, 12, 0])
    assert h.H[1:3].tolist() == [1, 1]
    assert h.I2[1:3].tolist() == [0, 0]
    assert (h.H_lb[:3] >= 1).all()
    assert np.isnan([h.H[3], h.I2[3], h.H_lb[3]]).all()
    assert heterogeneity_limits(30.0, 12, level=99).H_ub > heterogeneity_limits(30.0, 12).H_ub
    with pytest.raises(InvalidInput, match="Q"):
        heterogeneity_limits(-1.0, 3)


ARRAYS = tuple(np.array(x, dtype=float) for x in (A, B, C, D))
OF_TABLES = [mantel_haenszel, peto, cochran_mantel_haenszel, lambda t: breslow_day(t, 0.5)]


@pytest.mark.parametrize("pooled", OF_TABLES)
def test_tables_that_cannot_be_pooled(pooled: Callable[[Any], object]) -> None:
    a, b, c, d = ARRAYS
    with pytest.raises(InvalidInput, match=r"ci\[1\] must be finite"):
        pooled(TwoByTwo(a, b, np.where(np.arange(6) == 1, np.nan, c), d))
    with pytest.raises(InvalidInput, match=r"n2i\[2\] must be > 0"):
        pooled(TwoByTwo(a, b, *(np.where(np.arange(6) == 2, 0.0, x) for x in (c, d))))
    with pytest.raises(InvalidInput, match=r"table must be a TwoByTwo.*NoneType"):
        pooled(None)


@pytest.mark.parametrize("option", [{"add": (0.5,)}, {"add": 0.5}, {"to": "only0"}, {"drop00": True}])
def test_options_of_mantel_haenszel_are_pairs(option: dict[str, Any]) -> None:
    name = next(iter(option))
    with pytest.raises(InvalidInput, match=f"{name} is a pair"):
        mantel_haenszel(from_cells(*ARRAYS), **option)
    with pytest.raises(InvalidInput, match=f"{name} is a pair"):
        mantel_haenszel_rates(A, B, C, D, **option)


def test_odds_ratios_of_breslow_day_for_another_batch() -> None:
    with pytest.raises(InvalidInput, match=r"log_odds_ratio \(3,\), batch of tables \(2,\)"):
        breslow_day(TwoByTwo(*(np.stack([x, x]) for x in ARRAYS)), [0.1, 0.2, 0.3])


def test_one_study_predicts_nothing() -> None:
    one = pool_proportions([3], [10])
    assert np.isnan([one.pi_lb, one.pi_ub]).all()
    assert np.isfinite([one.estimate, one.ci_lb, one.ci_ub]).all()
