"""Every sign convention, worked out in words: natural direction is 'more of the outcome in arm 1'."""

import pytest

from pipeline.analysis.direction import claim_fits, printed_sign, scale_sign


@pytest.mark.parametrize(
    ("outcome", "instrument", "sign"),
    [
        ("depression", "bdi2", 1),
        ("depression", "", 1),
        ("hope", "herth", 1),
        ("hope", "bhs4", -1),  # Beck Hopelessness: more points, less hope
        ("hopelessness", "bhs4", 1),
        ("loneliness", "ucla20", 1),
        ("hope", "mother_report", 1),  # an instrument without a direction of its own
    ],
)
def test_scale_against_its_outcome(book, outcome, instrument, sign):
    assert scale_sign(outcome, instrument, book) == sign


@pytest.mark.parametrize(
    ("outcome", "instrument", "claimed", "inverted", "factor"),
    [
        # printed positive = peer support better = less depression: natural effect is negative
        ("depression", "bdi2", "positive_favours_int", False, -1),
        ("depression", "bdi2", "negative_favours_int", False, 1),
        ("depression", "bdi2", "positive_favours_ctl", False, 1),
        ("hope", "herth", "positive_favours_int", False, 1),
        ("hope", "herth", "negative_favours_int", False, -1),
        ("hope", "herth", "positive_favours_ctl", False, -1),
        # 'favours' speaks of people, so the scale's own direction does not matter
        ("hope", "bhs4", "positive_favours_int", False, 1),
        # 'intervention minus control' speaks of the scale
        ("depression", "bdi2", "int_minus_ctl", False, 1),
        ("hope", "herth", "int_minus_ctl", False, 1),
        ("hope", "bhs4", "int_minus_ctl", False, -1),
        ("depression", "bdi2", "int_minus_ctl", True, -1),
        ("hope", "bhs4", "int_minus_ctl", True, 1),
        # nothing is guessed
        ("depression", "bdi2", "unknown", False, None),
        ("depression", "bdi2", "magnitude_only", False, None),
        ("primary_care_event", "", "positive_favours_int", False, None),
    ],
)
def test_sign_of_a_printed_difference(book, outcome, instrument, claimed, inverted, factor):
    assert printed_sign(outcome, instrument, claimed, inverted, book) == factor


@pytest.mark.parametrize(
    ("outcome", "claimed", "inverted", "fits"),
    [
        ("depression_event", "below_1_favours_int", False, True),
        ("depression_event", "above_1_favours_int", False, False),
        ("depression_event", "above_1_favours_int", True, True),
        ("depression_event", "below_1_favours_int", True, False),
        ("breastfeeding_exclusive", "above_1_favours_int", False, True),
        ("breastfeeding_exclusive", "below_1_favours_int", False, False),
        ("breastfeeding_exclusive", "below_1_favours_int", True, True),
        ("breastfeeding_exclusive", "below_1_favours_ctl", False, True),
        ("depression_event", "positive_favours_int", False, False),
        ("depression_event", "unknown", False, False),
        ("primary_care_event", "below_1_favours_int", False, False),
    ],
)
def test_does_the_claim_of_a_ratio_fit_its_event(book, outcome, claimed, inverted, fits):
    assert claim_fits(outcome, claimed, inverted, book) is fits
