"""Conversions between scales, cells from margins, E-values, overlap, proportions and Wald intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.conversions import cells, needed_to_treat, overlap, printed, proportions, scales
from pipeline.meta.conversions.e_value import e_value, e_value_from_d
from pipeline.meta.effect_sizes.association import phi_coefficient
from pipeline.meta.effect_sizes.events import odds_ratio
from pipeline.meta.effect_sizes.two_by_two import from_cells, pearson_chi_square


class TestCells:
    """The help page of conv.2x2: tables it takes apart and puts together again."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(1, 400), min_size=4, max_size=4))
    def test_there_and_back(self, counts: list[int]) -> None:
        a, b, c, d = (float(x) for x in counts)
        table = from_cells(a, b, c, d)
        margins = (a + b + c + d, a + b, a + c)
        phi = float(phi_coefficient(table).yi)
        found = [
            cells.cells_from_odds_ratio(np.exp(odds_ratio(table).yi), *margins),
            cells.cells_from_phi(phi, *margins),
        ]
        gap = np.sign(a * d - b * c)
        chi = pearson_chi_square(table, continuity=False).statistic
        found.append(cells.cells_from_chi_square(gap * chi, *margins, continuity=False))
        if abs(a * d - b * c) > margins[0] / 2:  # else Yates's correction cut it off at 0
            chi = pearson_chi_square(table, continuity=True).statistic
            found.append(cells.cells_from_chi_square(gap * chi, *margins))
        for t in found:
            assert (t.ai, t.bi, t.ci, t.di) == (a, b, c, d)

    def test_printed_with_two_decimals(self) -> None:
        for t in (
            cells.cells_from_odds_ratio(2.05, 240, 122, 56),
            cells.cells_from_phi(0.15, 240, 122, 56),
            cells.cells_from_chi_square(4.61, 240, 122, 56),
        ):
            assert (t.ai, t.bi, t.ci, t.di) == (36, 86, 20, 98)

    def test_margins_that_do_not_fit(self) -> None:
        t = cells.cells_from_phi([0.54, 0.54], 400, 200, [248, 50])
        assert t.ai.tolist()[0] == 176
        assert np.isnan([t.ai[1], t.bi[1], t.ci[1], t.di[1]]).all()
        with pytest.raises(InvalidInput, match="ni - n1i must be > 0"):
            cells.cells_from_phi(0.1, 100, 100, 20)
        with pytest.raises(InvalidInput, match="ratio must be > 0"):
            cells.cells_from_odds_ratio(0, 100, 50, 20)

    def test_no_association_and_fractions(self) -> None:
        t = cells.cells_from_odds_ratio(1.0, 90, 30, 20, whole=False)
        assert t.ai == pytest.approx(30 * 20 / 90)


class TestScales:
    def test_borenstein_example(self) -> None:
        """Borenstein et al. 2009, chapter 7: r = 0.50, v = 0.0058 gives d = 1.1547, v = 0.0550, and back."""
        d = scales.d_effect_from_r(0.5, 0.0058)
        assert (d.yi, d.vi) == (pytest.approx(1.1547, abs=5e-5), pytest.approx(0.0550, abs=5e-5))
        r = scales.r_effect_from_d(d.yi, d.vi)
        assert (r.yi, r.vi) == (pytest.approx(0.5), pytest.approx(0.0058))
        log_odds = scales.d_from_log_odds_ratio(0.9069, 0.0676)
        assert (log_odds.yi, log_odds.vi) == (pytest.approx(0.5, abs=5e-5), pytest.approx(0.0205, abs=5e-5))

    def test_sizes(self) -> None:
        assert scales.r_from_d(0.5, 30, 30) == pytest.approx(scales.r_from_d(0.5))
        assert scales.r_from_d(0.5, 10, 50) < scales.r_from_d(0.5)
        with pytest.raises(InvalidInput, match="go together"):
            scales.r_from_d(0.5, 30)
        with pytest.raises(InvalidInput, match="between -1 and 1"):
            scales.d_from_r(1.0)
        assert scales.r_from_fisher_z(scales.fisher_z([-0.9, 0.2])) == pytest.approx([-0.9, 0.2])


class TestEValue:
    def test_published(self) -> None:
        """VanderWeele & Ding 2017: RR 3.9 [1.8, 8.7] gives 7.26 and 3.0."""
        e = e_value(3.9, 1.8, 8.7)
        assert (e.estimate, e.limit) == (pytest.approx(7.26, abs=0.005), pytest.approx(3.0, abs=0.005))

    def test_other_measures(self) -> None:
        assert e_value(2.25, measure="OR").estimate == pytest.approx(e_value(1.5).estimate)
        assert e_value(1.4, measure="HR_rare").estimate == e_value(1.4).estimate
        hazard = (1 - 0.5 ** np.sqrt(2)) / (1 - 0.5 ** np.sqrt(0.5))
        assert e_value(2.0, measure="HR").estimate == pytest.approx(e_value(hazard).estimate)
        assert e_value_from_d(0.5).estimate == pytest.approx(e_value(np.exp(0.455)).estimate)
        assert np.isnan(e_value(1.4).limit)
        assert e_value(1.5, true=1.5).estimate == 1
        assert e_value(1.8, true=1.2).estimate == pytest.approx(e_value(1.5).estimate)

    @pytest.mark.parametrize("measure", ["RR", "OR", "HR"])
    def test_sides(self, measure: str) -> None:
        """A ratio and its inverse need the same confounding; an interval that holds 1 needs none."""
        one, other = e_value(0.6, 0.45, 0.8, measure=measure), e_value(1 / 0.6, 1 / 0.8, 1 / 0.45, measure=measure)
        assert (one.estimate, one.limit) == (pytest.approx(other.estimate), pytest.approx(other.limit))
        assert e_value([1.3, 0.8], [0.9, 0.7], [2.0, 1.1], measure=measure).limit.tolist() == [1.0, 1.0]

    def test_refused(self) -> None:
        for arguments, message in (
            ((0.0,), "estimate must be > 0"),
            ((1.2, 1.3, 1.5), "between"),
            ((1.2, 1.1), "together"),
        ):
            with pytest.raises(InvalidInput, match=message):
                e_value(*arguments)  # type: ignore[arg-type]


def test_overlap_of_cohens_table() -> None:
    """Cohen 1988, table 2.2.1: d = 0.8 gives U1 47.4 %, U2 65.5 %, U3 78.8 %."""
    r = overlap.overlap_from_d([0.8, 0.0, -0.8])
    assert r.u1 == pytest.approx([0.474, 0, 0.474], abs=5e-4)
    assert r.u2[0] == pytest.approx(0.655, abs=5e-4)
    assert r.u3[0] == pytest.approx(0.788, abs=5e-4)
    assert r.overlap[1] == 1
    assert r.superiority[0] + r.superiority[2] == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.floats(0, 1))
def test_double_arcsine_there_and_back(n: int, share: float) -> None:
    x = round(share * n)
    back = proportions.inverse_double_arcsine(proportions.double_arcsine(x / n, n), n)
    assert back == pytest.approx(x / n, abs=1e-7)


def test_proportions_at_their_limits() -> None:
    assert proportions.inverse_double_arcsine([-1.0, 3.0], 10).tolist() == [0.0, 1.0]
    assert proportions.inverse_arcsine([-1.0, 2.0]).tolist() == [0.0, 1.0]
    assert proportions.logit([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert proportions.inverse_logit(proportions.logit(0.2)) == pytest.approx(0.2)
    with pytest.raises(InvalidInput, match="p must be <= 1"):
        proportions.arcsine(1.1)


class TestWald:
    def test_help_page(self) -> None:
        """conv.wald: 0.64 [0.33, 1.22] gives -0.4463, 0.1113; with p = .17 instead 0.1058."""
        nan = np.nan
        es = printed.wald_effect(
            [0.64, 0.64, 0.64], ci_lb=[0.33, nan, nan], ci_ub=[1.22, nan, nan], p=[0.5, 0.17, nan], transform=np.log
        )
        assert es.yi == pytest.approx([-0.4463] * 3, abs=5e-5)
        assert es.vi[:2] == pytest.approx([0.1113, 0.1058], abs=5e-5)
        assert np.isnan(es.vi[2])

    def test_levels_and_statistics(self) -> None:
        es = printed.wald_effect(0.5, ci_lb=[0.2, 0.1], ci_ub=[0.8, 0.9], level=[90, 99])
        assert np.sqrt(es.vi) == pytest.approx([0.3 / 1.644854, 0.4 / 2.575829], rel=1e-6)
        assert printed.wald_effect(0.5, statistic=-2.5).vi == pytest.approx(0.04)
        assert np.shape(printed.wald_effect(0.5, p=0.04).vi) == ()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"ci_lb": 0.8, "ci_ub": 0.2}, "ci_ub - ci_lb must be > 0"),
            ({"p": 0.0}, "p must be > 0"),
            ({"p": [0.5, 0.0]}, r"p\[1\] must be > 0"),
            ({"p": 1.0}, "statistic"),
            ({"statistic": 0.0}, "statistic"),
            ({"p": 0.1, "level": 100}, "percentage"),
        ],
    )
    def test_refused(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            printed.wald_effect(0.5, **change)


def test_number_needed_to_treat_from_ratios() -> None:
    rd = needed_to_treat.number_needed_to_treat_from_ratio(0.75, 0.4)
    assert rd == pytest.approx(10)
    odds = needed_to_treat.number_needed_to_treat_from_ratio(0.75, 0.4, of_odds=True)
    assert odds == pytest.approx(1 / (0.4 - 0.3 / 0.9))
    assert np.isinf(needed_to_treat.number_needed_to_treat_from_ratio(1.0, 0.4))
    with pytest.raises(InvalidInput, match="treated group's risk"):
        needed_to_treat.number_needed_to_treat_from_ratio(3.0, 0.5)


class TestRefusedByName:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"estimate": [0.5, 0.0], "ci_lb": 0.1, "ci_ub": 0.9}, r"transformed estimate\[1\] must be finite"),
            ({"estimate": [-1.0], "ci_lb": 0.1, "ci_ub": 0.9}, r"transformed estimate\[0\] must be finite"),
            ({"estimate": [0.5], "ci_lb": [0.0], "ci_ub": [0.9]}, r"transformed ci_lb\[0\] must be finite"),
            ({"estimate": [0.5, 0.6], "p": [0.1, 0.2, 0.3]}, r"shapes differ.*p \(3,\)"),
            ({"estimate": 0.5, "statistic": "x"}, "statistic is not numeric"),
        ],
    )
    def test_wald_effect(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            printed.wald_effect(**given, transform=np.log)

    def test_correlation_under_the_name_it_came_with(self) -> None:
        with pytest.raises(InvalidInput, match=r"^yi\[1\]: a correlation .*found 1\)"):
            scales.d_effect_from_r([0.2, 1.0], 0.01)
        with pytest.raises(InvalidInput, match=r"^ri: a correlation"):
            scales.fisher_z(-1)

    def test_margins_that_do_not_allow_the_statistic_give_nan(self) -> None:
        for t in (cells.cells_from_phi(1.0, 100, 30, 50), cells.cells_from_chi_square(3.0, 100, 1, 50)):
            assert np.isnan([t.ai, t.bi, t.ci, t.di]).all()
