"""Phrases from numbers and labels: directions, sizes, counts. Sentences are made of them in `wording.py`."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report.results import Estimate, Question

_COUNT = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count_word(k: int) -> str:
    """Small numbers as words."""
    return _COUNT[k] if 0 <= k < len(_COUNT) else f.count(k)


def trials(k: int) -> str:
    return f"{count_word(k)} trial" + ("" if k == 1 else "s")


def sentence(text: str) -> str:
    """Capital first letter, one full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def inner(label: str) -> str:
    """A label for the middle of a sentence: small first letter, unless the first word is an acronym ('HbA1c',
    'HIV')."""
    first = label.split(" ", 1)[0]
    return label[:1].lower() + label[1:] if first[1:].islower() else label


def intervention(q: Question) -> str:
    return inner(q.intervention_label)


def comparator(q: Question) -> str:
    return inner(q.comparator_label)


def subject(q: Question) -> str:
    """What the number is about."""
    return inner(q.outcome_label)


def counted(q: Question) -> str:
    """' (counted: died)', so that a ratio always names its event."""
    return f" (counted: {q.event})" if q.event else ""


def measure_name(q: Question) -> str:
    """The measure with its abbreviation: 'Risk ratio, RR'."""
    return q.measure_label[:1].upper() + q.measure_label[1:] + f", {q.measure}"


def side(q: Question, value: float) -> str:
    """'intervention', 'comparator', 'neither', or 'unknown' where the outcome has no good end."""
    if not q.better_is:
        return "unknown"
    if value == q.null:
        return "neither"
    return "intervention" if (value < q.null) == (q.better_is == "lower") else "comparator"


def favours(q: Question, value: float) -> str:
    """'in favour of peer support', from the stored value."""
    where = side(q, value)
    if where == "unknown":
        return f"{'higher' if value > q.null else 'lower'} with {intervention(q)}"
    if where == "neither":
        return "in favour of neither"
    return f"in favour of {intervention(q) if where == 'intervention' else comparator(q)}"


def excludes_null(q: Question, lb: float, ub: float) -> bool:
    return lb > q.null or ub < q.null


def only_just(q: Question, est: Estimate, places: int) -> bool:
    """Does the interval exclude no difference by less than the printed decimals show?"""
    if not excludes_null(q, est.ci_lb, est.ci_ub):
        return False
    nearer = est.ci_lb if est.ci_lb > q.null else est.ci_ub
    return f.effect(nearer, q.measure, places) == f.effect(q.null, q.measure, places)


def size(q: Question, value: float, places: int) -> str:
    """A limit or estimate in words, with its direction: '0.30 standard deviations in favour of peer support'."""
    if q.is_ratio:
        return f"{f.effect(value, q.measure, places)} ({favours(q, value)})"
    unit = {"SMD": " standard deviations", "RD": ""}.get(q.measure, " points")
    return f"{f.number(abs(value), places)}{unit} {favours(q, value)}"


def numbers(q: Question, value: float, lb: float | None, ub: float | None, places: int) -> str:
    """'SMD -0.30, 95% CI -0.50 to -0.10'."""
    return f"{q.measure} {f.effect(value, q.measure, places)}, 95% CI {f.interval(lb, ub, q.measure, places)}"


def people(n: float | None) -> str:
    return f" with {f.count(n)} people" if f.known(n) else ""


def axis_labels(q: Question) -> tuple[str, str]:
    """What the left and the right of an axis mean, computed from which end is good."""
    x, y = intervention(q), comparator(q)
    if q.better_is == "lower":
        return f"favours {x}", f"favours {y}"
    if q.better_is == "higher":
        return f"favours {y}", f"favours {x}"
    return f"lower with {x}", f"higher with {x}"


def direction_note(q: Question) -> str:
    """How to read the sign."""
    zero = "A ratio below 1" if q.is_ratio else "A negative value"
    if q.is_ratio:
        word = "lower" if q.measure == "ROM" else "less frequent"
        means = f"means {word} with {intervention(q)}" + counted(q)
    else:
        means = f"means lower with {intervention(q)}"
    good = {"lower": "Lower is better", "higher": "Higher is better"}.get(
        q.better_is, "Neither end is better in itself"
    )
    return f"{zero} {means}. {good}."


def listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
