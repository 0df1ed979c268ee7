"""Words for a reader new to them. Each term says when a report uses it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.report.results import Evidence
from pipeline.vocabulary import PooledModel

Uses = Callable[[Evidence], bool]


def _any(e: Evidence) -> bool:
    return True


def _trial(e: Evidence) -> bool:
    return e.question.k >= 1


def _pooled(e: Evidence) -> bool:
    return e.question.k >= 2


def _mean(e: Evidence) -> bool:
    return e.question.k >= 3


def _influence(e: Evidence) -> bool:
    return len(e.influence) > 0


def _selection(e: Evidence) -> bool:
    return bool(e.tests.loc[e.tests["test"].eq("selection"), "done"].any())


def _adjusted(e: Evidence) -> bool:
    return bool(e.pooled["model"].eq(PooledModel.ADJUSTED).any())


def _permuted(e: Evidence) -> bool:
    return bool(e.tests["p_permutation"].notna().any())


def _together(e: Evidence) -> bool:
    return bool(e.pooled["effects"].notna().any())


def _measure(*names: str) -> Uses:
    return lambda e: e.question.measure in names


GLOSSARY: tuple[tuple[str, str, Uses], ...] = (
    (
        "95% confidence interval (CI)",
        (
            "The range of values that fit the data well. If it includes no difference, the data fit "
            "a benefit as well as a harm."
        ),
        _trial,
    ),
    (
        "All effects of a trial",
        (
            "Many trials measure an outcome with several scales or at several times. Used together, they are taken to "
            "agree more with each other than with other trials."
        ),
        _together,
    ),
    ("Common effect", "A pooled number that assumes that every trial measures the same true effect.", _pooled),
    (
        "Cook\u2019s distance",
        "How far the mean moves when a trial is left out. The larger, the more hangs on that trial.",
        _influence,
    ),
    (
        "Forest plot",
        "A picture with one line per trial; the marker is the result, the line its confidence interval.",
        _trial,
    ),
    ("GRADE", "An agreed way in which people judge how certain a body of evidence is, from high to very low.", _any),
    (
        "Heterogeneity, tau\u00b2, I\u00b2",
        (
            "How far trials truly differ: tau\u00b2 is the variance of their true effects, I\u00b2 "
            "the part of the visible spread that is not chance."
        ),
        _mean,
    ),
    (
        "Hazard ratio (HR)",
        "How often an event happens over time in one group relative to the other; 1 is no difference.",
        _measure("HR"),
    ),
    (
        "Incidence rate ratio (IRR)",
        "Events per person and time in one group divided by those in the other; 1 is no difference.",
        _measure("IRR"),
    ),
    ("Mean difference (MD)", "The difference of the two groups' averages in the units of the scale.", _measure("MD")),
    (
        "Odds ratio (OR)",
        (
            "The odds of an event in one group divided by the odds in the other; 1 is no difference. "
            "Further from 1 than the risk ratio when events are common."
        ),
        _measure("OR"),
    ),
    (
        "p",
        (
            "How often a difference at least this large would appear by chance alone if there were "
            "none. It does not say how large or important the difference is."
        ),
        _pooled,
    ),
    (
        "Permutation test",
        (
            "The variable is dealt out anew among the trials many times; p is how often chance alone gives as strong a "
            "link as the one seen."
        ),
        _permuted,
    ),
    (
        "Prediction interval",
        (
            "The range in which the true effect of a new, similar programme may lie. It is never narrower "
            "than the confidence interval of the mean; the two are equal when tau\u00b2 is estimated as 0."
        ),
        _mean,
    ),
    ("Random effects", "A pooled mean that allows every trial its own true effect.", _mean),
    (
        "Randomised trial",
        "A study in which chance decides who gets which support, so that the groups can be compared fairly.",
        _any,
    ),
    (
        "Ratio of means (ROM)",
        "The average of one group divided by that of the other; 1 is no difference.",
        _measure("ROM"),
    ),
    ("Risk of bias", "Features of a trial that could distort its result.", _trial),
    (
        "Risk ratio (RR)",
        "The share of people with an event in one group divided by the share in the other; 1 is no difference.",
        _measure("RR"),
    ),
    (
        "Risk difference (RD)",
        "The share of people with an event in one group minus the share in the other.",
        _measure("RD"),
    ),
    (
        "Selection model",
        (
            "A model in which trials with a good result and a small p are published more easily than others. It "
            "estimates the mean of all trials, seen and unseen."
        ),
        _selection,
    ),
    (
        "Standardised mean difference (SMD)",
        (
            "The difference of two averages counted in standard deviations, so that different scales "
            "can be compared; 0 is no difference."
        ),
        _measure("SMD"),
    ),
    (
        "Trim and fill, PET-PEESE, limit meta-analysis",
        (
            "Three ways to ask what the mean would be if small trials with poor results had been kept back: mirror "
            "images of the lonely small trials are added, or the effect is read off at a trial without sampling error."
        ),
        _adjusted,
    ),
    ("Weight", "The share of a trial in the pooled mean; precise trials count more.", _mean),
)


def terms_for(e: Evidence) -> tuple[tuple[str, str], ...]:
    """Term and meaning, for the terms that this report uses."""
    return tuple((term, meaning) for term, meaning, used in GLOSSARY if used(e))
