"""Rounding: true minus signs, one number of decimals, bounds where a number would print as zero."""

from __future__ import annotations

import math

import pytest

from pipeline.report import format as f


@pytest.mark.parametrize(
    ("x", "places", "shown"),
    [
        (-0.594, 2, "−0.59"),
        (0.5, 2, "0.50"),
        (-0.004, 2, "0.00"),
        (1234.5, 0, "1,234"),
        (math.nan, 2, "–"),
        (None, 1, "–"),
    ],
)
def test_number(x: float | None, places: int, shown: str) -> None:
    assert f.number(x, places) == shown


@pytest.mark.parametrize(
    ("p", "text", "cell"),
    [
        (0.0004, "p < .001", "< .001"),
        (0.03, "p = .03", ".03"),
        (0.0532, "p = .053", ".053"),
        (0.0996, "p = .10", ".10"),
        (0.237, "p = .24", ".24"),
        (0.9999, "p > .99", "> .99"),
        (math.nan, "", "–"),
    ],
)
def test_p_has_no_leading_zero_and_a_floor(p: float, text: str, cell: str) -> None:
    assert f.p_value(p).replace(f.NBSP, " ") == text
    assert f.p_cell(p) == cell


def test_a_ratio_never_prints_as_zero() -> None:
    assert f.ratio(0.003) == "< 0.01"
    assert f.effect(0.003, "SMD", 2) == "0.00"


def test_decimals_follow_the_measure_and_the_scale() -> None:
    assert f.decimals("SMD") == f.decimals("RR") == 2
    assert [f.decimals("MD", [v]) for v in (0.4, -14.0, 250.0)] == [2, 1, 0]


def test_an_interval_without_a_limit_is_a_dash_and_not_half_an_interval() -> None:
    assert f.interval(math.nan, 1.0, "SMD", 2) == f.bracket(0.1, None, "SMD", 2) == "–"
    assert f.with_interval(-0.59, -0.98, -0.21, "SMD", 2).replace(f.NBSP, " ") == "−0.59 [−0.98, −0.21]"


def test_printed_hyphens_before_numbers_become_minus_signs_but_ranges_stay() -> None:
    assert f.true_minus("-1.05 (2) v -0.15 (1.7), aged 13-18") == "−1.05 (2) v −0.15 (1.7), aged 13-18"


def test_a_minus_between_a_letter_and_a_number_is_a_true_one() -> None:
    assert f.true_minus("t with k - 2 degrees, pages 13 - 18") == "t with k \u2212 2 degrees, pages 13 - 18"


@pytest.mark.parametrize(
    ("x", "shown"),
    [(5.021, "5.02"), (385.714, "386"), (50.0, "50"), (-0.0334825, "\u22120.0335"), (math.nan, "\u2013")],
)
def test_three_significant_digits(x: float, shown: str) -> None:
    assert f.significant(x) == shown


def test_long_numbers_in_a_text_are_shortened_and_names_are_not() -> None:
    text = "effect -0.0334825 with 9.56602 (SD 12.45), doi 12888-023-04578-2, version 2.123.4"
    shown = "effect \u22120.0335 with 9.57 (SD 12.45), doi 12888-023-04578-2, version 2.123.4"
    assert f.tidy_numbers(text) == shown
