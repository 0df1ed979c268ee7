"""Sentences derived from numbers: every word that depends on a number is chosen here, so no prose outlives its result.

The rules: a direction is computed from the sign and from which end is good; "in favour of" is said only where the
interval excludes no difference; "significant" is never said; a wide interval never becomes "no effect"; two trials
get no random-effects claim; certainty is not judged unless a judgement is given.
"""

from __future__ import annotations

from pipeline.report import cautions
from pipeline.report import format as f
from pipeline.report.phrases import (
    borderline,
    comparator,
    counted,
    degrees,
    excludes_null,
    inner,
    intervention,
    is_clear,
    leans,
    listed,
    numbers,
    sentence,
    size,
    subject,
    trials,
)
from pipeline.report.results import Estimate, Evidence, Question
from pipeline.report.units import in_units

CERTAINTY = "How certain this evidence is has not been judged yet (no GRADE judgement has been entered)."
BORDERLINE = "borderline: the interval reaches almost exactly no difference"
GAP = "This is a gap in the evidence; it does not show that {x} makes no difference."


def amount_of_evidence(e: Evidence) -> str:
    """How many trials, how many people, and what the trials tested."""
    q, est = e.question, e.estimate
    if est is None:
        return f"No usable trial of {intervention(q)} has measured {inner(q.outcome_label)} against {comparator(q)}."
    missing = "its number of people is not given" if est.k == 1 else "not every trial gives its number of people"
    people = f" with {f.count(est.n)} people" if f.known(est.n) else f"; {missing}"
    return f"This rests on {trials(est.k)}{people}. {cautions.tested(e)}".strip()


def effect_sentence(e: Evidence) -> str:
    """The headline number in words, with its direction."""
    q, est = e.question, e.estimate
    if est is None:
        return not_used(e)
    lead = {
        "single": f"In {est.study}",
        "common": "If both trials share one true effect (a common-effect line)",
        "mean": "On average over these trials",
    }[est.kind]
    clear = is_clear(q, est, e.places)
    if q.is_ratio:
        what = f"the {inner(q.measure_label)} of {subject(q)}{counted(q)} is {f.effect(est.value, q.measure, e.places)}"
        limits = f.interval(est.ci_lb, est.ci_ub, q.measure, e.places)
        return f"{lead}, {what} (95% CI {limits}), {leans(q, est.value, clear)}."
    what = f"the difference in {subject(q)} is {size(q, est.value, e.places, clear)}"
    return f"{lead}, {what} ({numbers(q, est.value, est.ci_lb, est.ci_ub, e.places)})."


def interval_sentence(q: Question, est: Estimate, places: int) -> str:
    """What the 95 % interval leaves open."""
    if not (f.known(est.ci_lb) and f.known(est.ci_ub)):
        return "No interval can be given for this number, so nothing can be said about its precision."
    p = f" ({f.p_value(est.p)})" if f.known(est.p) else ""
    if borderline(q, est.ci_lb, est.ci_ub, places):
        return f"This is {BORDERLINE}{p}."
    if is_clear(q, est, places):
        which = leans(q, est.value, True) + ("" if q.better_is else f" than with {comparator(q)}")
        return f"The interval lies wholly {which}: it excludes no difference{p}."
    who = "The trial" if est.kind == "single" else "The trials"
    reach = f"from {size(q, est.ci_lb, places, False)} to {size(q, est.ci_ub, places, False)}"
    return f"{who} cannot tell which is better: the interval includes no difference and reaches {reach}{p}."


def prediction_sentence(q: Question, est: Estimate, places: int) -> str:
    """What a new programme may expect; a warning below five trials; '' where there is no interval."""
    if not (f.known(est.pi_lb) and f.known(est.pi_ub)):
        return ""
    if est.tau2 == 0:
        return (
            f"Between these {trials(est.k)} no difference beyond chance could be seen; that does not show that there "
            "is none."
        )
    limits = f.interval(est.pi_lb, est.pi_ub, q.measure, places)
    if est.k < q.headline_prediction_from_k:
        return (
            f"With {trials(est.k)} a prediction interval ({limits}) can only be a warning of how little is known "
            "about a new programme; it is no forecast."
        )
    excluded = excludes_null(q, est.pi_lb, est.pi_ub)
    holds = f"all of it {leans(q, est.pi_lb, True)}" if excluded else "a range that includes no difference"
    return (
        f"In a new programme of this kind the true result may lie anywhere from {limits} (95% "
        f"prediction interval): {holds}."
    )


def single_caution(est: Estimate) -> str:
    if est.kind == "single":
        return "One trial cannot show whether its result repeats elsewhere."
    return "Two trials are too few to say how much results differ between places, so no random-effects mean is claimed."


def not_used(e: Evidence) -> str:
    """What was found and set aside."""
    near = e.unused["trial_id"].nunique()
    if near == 0:
        return "No trial with this outcome was found in the sources read."
    each = "it is listed with its reason" if near == 1 else "each is listed with its reason"
    return sentence(f"{trials(near)} came near the question and could not be used; {each}")


def key_findings(e: Evidence) -> tuple[str, ...]:
    """At most five points: the result, how far it holds, what it means elsewhere, what it rests on, its certainty."""
    q, est = e.question, e.estimate
    amount = amount_of_evidence(e)
    if est is None:
        certainty = "With no trial there is no certainty to judge."
        return (amount, not_used(e), GAP.format(x=intervention(q)), certainty)
    holds = f"{interval_sentence(q, est, e.places)} {cautions.fragility(e)}".strip()
    if est.kind != "mean":
        beyond = single_caution(est)
    elif est.k >= q.headline_prediction_from_k:
        beyond = prediction_sentence(q, est, e.places)
    else:
        beyond = "" if q.measure == "MD" else in_units(e)
    return tuple(s for s in (effect_sentence(e), holds, beyond, amount, CERTAINTY) if s)


def meaning(e: Evidence) -> str:
    """One short phrase for the funder's table."""
    q, est = e.question, e.estimate
    if est is None:
        return "No usable trial"
    if not (f.known(est.ci_lb) and f.known(est.ci_ub)):
        return "No interval: cannot be judged"
    if borderline(q, est.ci_lb, est.ci_ub, e.places):
        text = f"{leans(q, est.value, False)}; {BORDERLINE}"
    elif is_clear(q, est, e.places):
        text = f"{leans(q, est.value, True)}; the interval excludes no difference{_elsewhere(q, est)}"
    else:
        return "Cannot tell: the interval includes no difference"
    text += {"mean": "", "single": "; one trial only", "common": "; two trials only"}[est.kind]
    return text[:1].upper() + text[1:]


def _elsewhere(q: Question, est: Estimate) -> str:
    """What the prediction interval adds, where it is a headline."""
    if est.kind != "mean" or est.k < q.headline_prediction_from_k or not f.known(est.pi_lb) or not f.known(est.pi_ub):
        return ""
    if est.tau2 == 0:
        return ""
    sure = excludes_null(q, est.pi_lb, est.pi_ub)
    return "; so does the prediction interval" if sure else "; a new programme may still see none"


def heterogeneity_sentence(e: Evidence) -> str:
    """How far the trials differ, for k >= 3."""
    row = e.analysis("main").iloc[0]
    if e.together:
        return (
            f"The variance of true effects between and within trials, tau\u00b2, is {f.variance(row.tau2)}; I\u00b2 is "
            f"{f.percent(row.I2)}. Both, and the prediction interval, rest on the assumed correlation of effects "
            "of one trial. I\u00b2 is computed from tau\u00b2 and says how much of the spread is not chance; it does "
            "not say how large the spread is."
        )
    limits = f" (95% interval {f.variance(row.tau2_lb)} to {f.variance(row.tau2_ub)})" if f.known(row.tau2_ub) else ""
    q_part = f"; Q = {f.number(row.Q, 2)} on {degrees(row.Q_df)}, {f.p_value(row.Q_p)}" if f.known(row.Q) else ""
    return (
        "The variance of true effects between trials, tau\u00b2, is "
        f"{f.variance(row.tau2)}{limits}; I\u00b2 is {f.percent(row.I2)}{q_part}. "
        "I\u00b2 is computed from tau\u00b2 and says how much of the spread is not chance; it "
        "does not say how large the spread is."
    )


def influence_sentence(e: Evidence) -> str:
    """Which trials pass a usual bound of the influence diagnostics."""
    names = e.influence.loc[e.influence["influential"], "study"].tolist()
    if not names:
        return "By the usual bounds (Viechtbauer and Cheung 2010) no single trial has an undue influence on the mean."
    verb = "has" if len(names) == 1 else "have"
    who = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"By the usual bounds (Viechtbauer and Cheung 2010) {who} {verb} more influence on the mean than the others."


def leave_one_out_sentence(e: Evidence) -> str:
    """The range of the mean when each trial is left out in turn, and whether the reading changes."""
    q, rows, est = e.question, e.analysis("leave_one_out"), e.estimate
    if rows.empty or est is None:
        return ""
    lo, hi = rows["shown_estimate"].min(), rows["shown_estimate"].max()
    base = excludes_null(q, est.ci_lb, est.ci_ub)
    changed = [
        r.label.removeprefix("Without ")
        for r in rows.itertuples()
        if excludes_null(q, r.shown_ci_lb, r.shown_ci_ub) != base
    ]
    ranges = (
        "Leaving out one trial at a time, the mean lies between "
        f"{f.effect(lo, q.measure, e.places)} and {f.effect(hi, q.measure, e.places)}."
    )
    if not changed:
        return f"{ranges} No single trial decides whether the interval includes no difference."
    verb = "includes" if base else "excludes"
    if len(changed) == len(rows):
        return f"{ranges} The interval {verb} no difference whichever trial is left out."
    return f"{ranges} The interval {verb} no difference when {listed(changed)} is left out."
