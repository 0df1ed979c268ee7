"""The evidence of an issue in words: codes, flags of the extractors and long numbers as a reader knows them."""

from __future__ import annotations

import re

from pipeline.report import format as f
from pipeline.report.labels import Labels

FLAGS = {
    "author_year_not_printed": "author and year are not printed",
    "community_coach_peer_status_partial": "community coaches, only some of them peers",
    "country_not_printed": "the country is not printed",
    "denominator_derived": "the number of people was derived, not printed",
    "lay_caller_not_peer": "lay callers, not peers",
    "lay_health_worker_not_peer": "lay health workers, not peers",
    "n_ctl_derived": "the size of the comparison group was derived, not printed",
    "negative_favours_int": "said to be negative where it favours the intervention",
    "not_randomised": "not randomised",
    "peer_component_not_isolated": "peers are one part of a larger programme",
    "peer_status_unclear": "whether the supporters are peers is not stated",
    "percent_only_no_denominators": "only percentages are printed, without numbers of people",
    "positive_favours_int": "said to be positive where it favours the intervention",
    "printed_denominator_inconsistent": "the printed numbers of people contradict each other",
    "randomisation_not_read": "whether it was randomised was not read",
    "unit_ambiguous": "the unit is ambiguous",
    "year_not_printed": "the year is not printed",
}
ARMS = {"cbt-grp": "group CBT", "cbt-ind": "individual CBT", "wl": "waiting list", "cau": "care as usual"}
_CODE = re.compile(r"(?<![\w/.])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w/])")
_ARM = re.compile(r"(?:(?<=^)|(?<=; ))([a-z0-9_-]+):")
_NO_NUMBER = re.compile(r",? \w+ nan\b")
CHECKS = {
    "extractor_flag": "note of the extractors",
    "sign_against_means": "sign against the means",
    "sign_untestable": "sign that cannot be tested",
    "smd_standard_error": "standard error of the effect",
}


def in_words(text: str, labels: Labels) -> str:
    """One line of evidence."""
    text = _NO_NUMBER.sub("", text)
    text = _ARM.sub(lambda m: _arm(m.group(1), labels) + ":", text)
    text = _CODE.sub(lambda m: FLAGS.get(m.group()) or _code(m.group(), labels), text)
    return f.tidy_numbers(text).replace("SUSPECT: ", "").replace("CAUTION: ", "")


def check_name(code: str) -> str:
    """The name of a check in words."""
    return CHECKS.get(code) or re.sub(r"\bsm?d\b", lambda m: m.group().upper(), code.replace("_", " "))


def _arm(slug: str, labels: Labels) -> str:
    """The name of an arm, or of an instrument, that opens a line."""
    return ARMS.get(slug) or (slug.replace("-", " ") if "-" in slug else _code(slug, labels))


def _code(code: str, labels: Labels) -> str:
    """The label of an instrument; one that this question does not know as an abbreviation; else plain letters."""
    known = code in labels.words.get("instrument", {})
    short = not known and (any(c.isdigit() for c in code) or len(code.split("_")[-1]) == 1)
    return labels.short(code) if short else labels.of("instrument", code)
