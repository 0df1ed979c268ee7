"""Measures against one another, at their limits, in batches, and what they refuse."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.effect_sizes.effect import row_average
from pipeline.meta.effect_sizes.events import odds_ratio
from pipeline.meta.effect_sizes.matched_pairs import from_pairs, paired_odds_ratio, paired_odds_ratio_from_margins
from pipeline.meta.effect_sizes.measures import MEASURES, columns, effect_size
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells

K = 4
RNG = np.random.default_rng(7)
DATA: dict[str, Any] = {
    **{name: RNG.uniform(5, 20, (3, K)) for name in ("m1i", "m2i", "mi")},
    **{name: RNG.uniform(1, 4, (3, K)) for name in ("sd1i", "sd2i", "sdi")},
    **{name: RNG.integers(20, 90, (3, K)) for name in ("n1i", "n2i", "ni")},
    **{name: RNG.integers(1, 15, (3, K)) for name in ("ai", "bi", "ci", "di", "xi", "x1i", "x2i")},
    **{name: RNG.uniform(50, 900, (3, K)) for name in ("ti", "t1i", "t2i")},
    "ri": RNG.uniform(-0.8, 0.8, (3, K)),
    "r2i": RNG.uniform(0.65, 0.9, (3, K)),
}
RELIABILITY = {"ai": RNG.uniform(0.5, 0.95, (3, K)), "mi": RNG.integers(3, 20, (3, K))}
REGRESSION = {"mi": RNG.integers(1, 6, (3, K))}


def data_for(measure: str) -> dict[str, Any]:
    special = RELIABILITY if measure in ("ARAW", "AHW", "ABT") else REGRESSION if "r2i" in columns(measure)[0] else {}
    if measure in ("PCOR", "ZPCOR"):
        special = REGRESSION
    return {name: (DATA | special)[name] for name in columns(measure)[0]}


@pytest.mark.parametrize("measure", MEASURES)
def test_a_batch_is_its_rows_and_scalars_stay_scalars(measure: str) -> None:
    given = data_for(measure)
    whole = effect_size(measure, **given)
    assert whole.yi.shape == whole.vi.shape == (3, K)
    beyond = np.isnan(whole.yi) if measure == "ZBIS" else np.zeros((3, K), dtype=bool)  # a biserial r can pass 1
    assert np.all((whole.vi > 0) | beyond)
    for i in range(3):
        row = effect_size(measure, **{name: x[i] for name, x in given.items()})
        assert whole.yi[i] == pytest.approx(row.yi, rel=1e-12, nan_ok=True)
        assert whole.vi[i] == pytest.approx(row.vi, rel=1e-12, nan_ok=True)
    one = effect_size(measure, **{name: x[0, 0] for name, x in given.items()})
    assert np.shape(one.yi) == ()
    assert one.yi == pytest.approx(whole.yi[0, 0], rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_missing_column_is_named(measure: str) -> None:
    given = data_for(measure)
    gone = columns(measure)[0][0]
    with pytest.raises(InvalidInput, match=f"{measure} lacks .*{gone}"):
        effect_size(measure, **{name: x for name, x in given.items() if name != gone})


def test_the_door_names_what_it_does_not_know() -> None:
    with pytest.raises(InvalidInput, match="choose from MD"):
        effect_size("SDM", m1i=1)
    with pytest.raises(InvalidInput, match=r"n3i: neither a column .* SMD; it needs .*options: correction"):
        effect_size("SMD", **data_for("SMD"), n3i=4)
    with pytest.raises(InvalidInput, match="vtype"):
        effect_size("OR", **data_for("OR"), vtype="UB")


def test_other_columns_will_do() -> None:
    x, y = RNG.normal(10, 2, 15), RNG.normal(9, 2, 18)
    t = stats.ttest_ind(x, y)
    means = effect_size("SMD", m1i=x.mean(), sd1i=x.std(ddof=1), n1i=15, m2i=y.mean(), sd2i=y.std(ddof=1), n2i=18)
    for test in ({"ti": t.statistic}, {"pi": np.sign(t.statistic) * t.pvalue}):
        es = effect_size("SMD", **test, n1i=15, n2i=18)
        assert (es.yi, es.vi) == (pytest.approx(means.yi), pytest.approx(means.vi))
    r = stats.pearsonr(x, y[:15])
    for test in ({"ri": r.statistic}, {"pi": np.sign(r.statistic) * r.pvalue}):
        assert effect_size("ZCOR", **test, ni=15).yi == pytest.approx(np.arctanh(r.statistic))
    paired = stats.ttest_rel(x, y[:15])
    change = x - y[:15]
    direct = effect_size("SMCC", di=change.mean() / change.std(ddof=1), ni=15)
    assert effect_size("SMCC", ti=paired.statistic, ni=15).yi == pytest.approx(direct.yi)
    assert effect_size("R2", fi=5.0, mi=2, ni=43).yi == pytest.approx(0.2)
    assert effect_size("PLO", xi=4, mi=6).yi == pytest.approx(effect_size("PLO", xi=4, ni=10).yi)
    # the help page of the reference: measure="COR", pi=-0.07, ni=30; measure="PCOR", pi=-0.07, mi=5, ni=30
    assert effect_size("COR", pi=-0.07, ni=30).yi == pytest.approx(-0.3354, abs=5e-5)
    assert effect_size("PCOR", pi=-0.07, mi=5, ni=30).yi == pytest.approx(-0.3610, abs=5e-5)
    assert effect_size("SMCC", pi=-0.018, ni=50).yi == pytest.approx(-0.3408, abs=6e-5)


@settings(max_examples=60, deadline=None)
@example([1, 3, 10, 1])
@given(st.lists(st.integers(1, 200), min_size=4, max_size=4))
def test_swapping_the_groups_turns_the_sign(cells: list[int]) -> None:
    a, b, c, d = cells
    for measure in ("RR", "OR", "RD", "AS", "PETO", "PBIT", "OR2DN", "OR2DL", "PHI", "YUQ", "YUY", "RTET"):
        one, other = effect_size(measure, ai=a, bi=b, ci=c, di=d), effect_size(measure, ai=c, bi=d, ci=a, di=b)
        assert one.yi == pytest.approx(-other.yi, abs=1e-12)
        assert one.vi == pytest.approx(other.vi, rel=1e-9)


def test_equal_spreads_make_the_measures_of_unequal_spread_agree() -> None:
    same = {"m1i": 12.0, "sd1i": 3.0, "n1i": 5000, "m2i": 11.0, "sd2i": 3.0, "n2i": 5000}
    smd = effect_size("SMD", **same)
    for measure in ("SMDH", "SMD1", "SMD1H"):
        assert effect_size(measure, **same).yi == pytest.approx(smd.yi, rel=2e-4)
    assert effect_size("SMDH", **same).vi == pytest.approx(smd.vi, rel=1e-3)
    assert effect_size("SMD1H", **same).vi == pytest.approx(effect_size("SMD1", **same).vi, rel=1e-3)
    for vtype in ("LS2", "UB"):
        assert effect_size("SMD", **same, vtype=vtype).vi == pytest.approx(smd.vi, rel=1e-3)


def test_uncorrelated_change_is_two_independent_groups() -> None:
    times = {"m1i": 12.0, "sd1i": 3.0, "m2i": 10.0, "sd2i": 4.0}
    change = effect_size("MC", **times, ri=0.0, ni=40)
    groups = effect_size("MD", **times, n1i=40, n2i=40)
    assert (change.yi, change.vi) == (pytest.approx(groups.yi), pytest.approx(groups.vi))
    ratio = effect_size("ROMC", **times, ri=0.0, ni=40)
    rom = effect_size("ROM", **times, n1i=40, n2i=40, corrected=True)
    assert (ratio.yi, ratio.vi) == (pytest.approx(rom.yi), pytest.approx(rom.vi))


def test_margins_with_phi_are_the_paired_table() -> None:
    a, b, c, d = (np.array(x, dtype=float) for x in ([20, 12, 35], [8, 15, 11], [5, 6, 4], [33, 27, 60]))
    phi = effect_size("PHI", ai=a, bi=b, ci=c, di=d).yi
    margins = paired_odds_ratio_from_margins(from_cells(a + b, c + d, a + c, b + d), phi)
    pairs = paired_odds_ratio(from_pairs(a, b, c, d))
    assert margins.yi == pytest.approx(pairs.yi)
    assert margins.vi == pytest.approx(pairs.vi)


def test_zeros_and_dropped_tables() -> None:
    table: dict[str, Any] = {"ai": [0, 0, 2], "bi": [10, 10, 8], "ci": [0, 3, 3], "di": [10, 7, 7]}
    assert np.isnan(effect_size("AS", **table, drop00=True).vi).tolist() == [True, False, False]
    assert effect_size("AS", **table).yi[0] == 0
    edge = effect_size("RTET", ai=[0, 5, 0], bi=[10, 0, 10], ci=[5, 0, 0], di=[10, 7, 10])
    assert edge.yi[:2].tolist() == [-1.0, 1.0]
    assert np.isnan(edge.yi[2])
    assert np.isnan(edge.vi).all()
    assert np.isnan(effect_size("ZTET", ai=5, bi=0, ci=0, di=7).yi)
    assert np.isnan(effect_size("PLO", xi=[0, 3], ni=10, to="none").yi).tolist() == [True, False]
    assert effect_size("PAS", xi=[0, 10], ni=10).yi == pytest.approx([0, np.pi / 2])
    assert np.isnan(effect_size("MPORC", ai=3, bi=0, ci=0, di=4, to="none").yi)


def test_tetrachoric_is_solved_from_one_person_to_a_million() -> None:
    """Cells made from a known correlation give it back, near the limits and with thresholds far out."""
    from pipeline.meta.effect_sizes.tetrachoric import bivariate_normal_cdf, tetrachoric

    h, k, r = (x.ravel() for x in np.meshgrid([-2.5, -0.4, 0.0, 1.1], [-1.7, 0.0, 2.0], [-0.95, -0.3, 0.0, 0.6, 0.99]))
    a = bivariate_normal_cdf(h, k, r)
    p, q = stats.norm.cdf(h), stats.norm.cdf(k)
    keep = np.minimum.reduce([a, p - a, q - a, 1 - p - q + a]) > 1e-6
    for n in (1.0, 1e6):
        got, vi, converged = tetrachoric(*(n * x[keep] for x in (a, p - a, q - a, 1 - p - q + a)))
        assert converged.all()
        assert got == pytest.approx(r[keep], abs=1e-7)
        assert (vi > 0).all()
    twin = stats.multivariate_normal(cov=[[1, 0.6], [0.6, 1]]).cdf([1.1, 2.0])
    assert bivariate_normal_cdf(np.array(1.1), np.array(2.0), np.array(0.6)) == pytest.approx(twin, abs=1e-8)


def test_unbiased_correlation_of_thousands() -> None:
    es = effect_size("UCOR", ri=[0.0, 0.05, 0.999, -0.3], ni=[5, 331, 20000, 101], vtype="UB")
    assert np.isfinite(es.yi).all()
    assert (es.vi > 0).all()
    smallest = effect_size("UCOR", ri=[0.0, 0.3], ni=4)
    assert smallest.yi[0] == 0
    assert smallest.vi[0] == pytest.approx(1 / 3)
    assert es.yi[1] == pytest.approx(0.05 * (1 + (1 - 0.05**2) / (2 * (331 - 1))), rel=2e-5)


def test_row_average_leaves_dropped_studies_out() -> None:
    assert row_average(np.array([[1.0, np.nan, 4.0]]), np.array([1.0, 5.0, 2.0])) == pytest.approx(np.array([[3.0]]))


@pytest.mark.parametrize(
    ("measure", "given", "message"),
    [
        ("SMD1", {"m1i": 1, "n1i": 9, "m2i": 2, "sd2i": 0, "n2i": 9}, "sd2i must be > 0"),
        ("CVR", {"m1i": -1, "sd1i": 1, "n1i": 9, "m2i": 2, "sd2i": 1, "n2i": 9}, "m1i must be > 0"),
        ("MNLN", {"mi": 0, "sdi": 1, "ni": 9}, "mi must be > 0"),
        ("COR", {"ri": 1.2, "ni": 9}, "ri must be <= 1"),
        ("ZCOR", {"ri": 0.2, "ni": 3}, "ni must be >= 4"),
        ("PCOR", {"ri": 0.2, "mi": 8, "ni": 9}, "more people than coefficients"),
        ("R2", {"r2i": -0.2, "mi": 1, "ni": 9}, "r2i must be >= 0"),
        ("PR", {"xi": 12, "ni": 9}, "more events than people"),
        ("IR", {"xi": 12, "ti": 0}, "ti must be > 0"),
        ("ARAW", {"ai": 1.0, "mi": 5, "ni": 9}, "alpha must be < 1"),
        ("MC", {"m1i": 1, "sd1i": 1, "m2i": 2, "sd2i": 1, "ri": 1.5, "ni": 9}, "ri must be <= 1"),
        ("SMCC", {"m1i": 1, "sd1i": 2, "m2i": 2, "sd2i": 2, "ri": 1, "ni": 9}, "SD of the changes must be > 0"),
        ("MPRD", {"ai": 0, "bi": 0, "ci": 0, "di": 0}, "must be > 0"),
        ("MPORM", {"ai": 3, "bi": 4, "ci": 3, "di": 4, "ri": 2}, "ri must be <= 1"),
        ("OR", {"ai": 3, "bi": 4, "ci": 3, "di": 4, "add": -1}, "add must be >= 0"),
        ("PHI", {"ai": 3, "bi": 4, "ci": 3, "di": 4, "vtype": "XX"}, "ST, CS"),
        ("ROM", {"m1i": 1, "sd1i": 1, "n1i": 9, "m2i": 2, "sd2i": 1, "n2i": 9, "vtype": "UB"}, "AVHO"),
        ("SMD", {"di": np.nan, "n1i": 9, "n2i": 9}, "d must be finite"),
        ("SMD", {"di": [0.1, 0.2], "n1i": [9, 9, 9], "n2i": 9}, "shapes differ"),
    ],
)
def test_refused(measure: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        effect_size(measure, **given)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (([-1.0, 2], [5.0, 5], [3.0, 3], [6.0, 6]), r"ai\[0\] must be >= 0"),
        (([1.0, 2], [5.0, np.inf], [3.0, 3], [6.0, 6]), r"bi\[1\] must be finite"),
        (([1.0, 2], [5.0, 5], [3.0, 3, 3], [6.0, 6]), r"shapes differ.*ci \(3,\)"),
        ((["x"], [5.0], [3.0], [6.0]), "ai is not numeric"),
    ],
)
def test_tables_that_are_refused(cells: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        TwoByTwo(*cells)


OF_TABLES = [f for f in MEASURES.values() if next(iter(inspect.signature(f).parameters)) == "table"]


@pytest.mark.parametrize("measure", OF_TABLES)
def test_measures_of_tables_refuse_what_is_none(measure: Callable[..., Any]) -> None:
    more = {"ri": 0.1} if "ri" in inspect.signature(measure).parameters else {}
    with pytest.raises(InvalidInput, match=r"table must be a TwoByTwo.*NoneType"):
        measure(None, **more)
    with pytest.raises(InvalidInput, match=r"n1i\[1\] must be > 0"):
        measure(TwoByTwo(*np.array([[1.0, 0], [5, 0], [3, 3], [6, 6]])), **more)


def test_an_unknown_table_has_no_effect_and_its_neighbour_has() -> None:
    es = odds_ratio(TwoByTwo(*np.array([[np.nan, 3], [5, 7], [3, 5], [6, 5]])))
    assert np.isnan([es.yi[0], es.vi[0]]).all()
    assert es.yi[1] == odds_ratio(from_cells(3, 7, 5, 5)).yi


def test_add_is_one_number_or_one_for_each_study() -> None:
    table = from_cells([0, 3, 0], [9, 6, 4], [2, 2, 5], [7, 7, 5])
    assert odds_ratio(table, add=[0.5] * 3).yi.tolist() == odds_ratio(table).yi.tolist()  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"add must be one number.*\(2,\)"):
        odds_ratio(table, add=[0.5, 0.5])  # type: ignore[arg-type]


def test_phi_of_the_pairs_in_another_shape() -> None:
    with pytest.raises(InvalidInput, match="shapes differ: ri"):
        paired_odds_ratio_from_margins(from_cells([28, 3], [38, 7], [25, 5], [41, 5]), [0.1, 0.2, 0.3])


def test_z_of_a_perfect_multiple_correlation_is_nan() -> None:
    es = MEASURES["ZR2"]([1.0, 0.3], 3, 60)
    assert np.isnan([es.yi[0], es.vi[0]]).all()
    assert np.isfinite([es.yi[1], es.vi[1]]).all()
