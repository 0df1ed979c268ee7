"""Phrases from numbers and labels: directions, sizes, counts. Sentences are made of them in `wording.py`."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report.results import Estimate, Question

_ARTICLE = {"waitlist": "a ", "attention_control": "an ", "no_intervention": ""}
"""Comparators that stand in a sentence with an article."""
_COUNT = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count_word(k: int) -> str:
    """Small numbers as words."""
    return _COUNT[k] if 0 <= k < len(_COUNT) else f.count(k)


def part_of(n: int, total: int) -> str:
    """'two of four', '8 of 14': words only where both are small."""
    return f"{count_word(n)} of {count_word(total)}" if total < len(_COUNT) else f"{f.count(n)} of {f.count(total)}"


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
    """The comparator within a sentence: 'usual care', 'a waiting list'."""
    return _ARTICLE.get(q.comparator, "") + inner(q.comparator_label)


def versus(q: Question) -> str:
    """The comparator as a label, without an article."""
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


def leans(q: Question, value: float, clear: bool) -> str:
    """'in favour of peer support' where the interval excludes no difference (`clear`), else 'on the side of'."""
    where = side(q, value)
    if where == "unknown":
        return f"{'higher' if value > q.null else 'lower'} with {intervention(q)}"
    if where == "neither":
        return "on neither side"
    whom = intervention(q) if where == "intervention" else comparator(q)
    return f"{'in favour of' if clear else 'on the side of'} {whom}"


def excludes_null(q: Question, lb: float, ub: float) -> bool:
    return lb > q.null or ub < q.null


def borderline(q: Question, lb: float, ub: float, places: int) -> bool:
    """Does a limit print as no difference?"""
    null = f.effect(q.null, q.measure, places)
    return null in (f.effect(lb, q.measure, places), f.effect(ub, q.measure, places))


def is_clear(q: Question, est: Estimate, places: int) -> bool:
    """Does the interval exclude no difference, and by more than the printed decimals hide?"""
    return (
        f.known(est.ci_lb)
        and f.known(est.ci_ub)
        and excludes_null(q, est.ci_lb, est.ci_ub)
        and not borderline(q, est.ci_lb, est.ci_ub, places)
    )


def size(q: Question, value: float, places: int, clear: bool) -> str:
    """A limit or estimate in words, with its direction: '0.30 standard deviations in favour of peer support'."""
    if q.is_ratio:
        return f"{f.effect(value, q.measure, places)} ({leans(q, value, clear)})"
    unit = {"SMD": " standard deviations", "RD": ""}.get(q.measure, f" {q.unit}")
    return f"{f.number(abs(value), places)}{unit} {leans(q, value, clear)}"


def numbers(q: Question, value: float, lb: float | None, ub: float | None, places: int) -> str:
    """'SMD -0.30, 95% CI -0.50 to -0.10'."""
    return f"{q.measure} {f.effect(value, q.measure, places)}, 95% CI {f.interval(lb, ub, q.measure, places)}"


def axis_labels(q: Question) -> tuple[str, str]:
    """What the left and the right of an axis mean, computed from which end is good."""
    return axis_directions(q.better_is, intervention(q), versus(q))


def axis_directions(better_is: str, x: str, y: str) -> tuple[str, str]:
    """The same for any two names."""
    if better_is == "lower":
        return f"favours {x}", f"favours {y}"
    if better_is == "higher":
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


def listed(names: list[str], word: str = "or") -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" {word} " + names[-1]


def degrees(df: float) -> str:
    """'1 degree of freedom', '3 degrees of freedom'."""
    return f"{f.count(df)} degree{'' if df == 1 else 's'} of freedom"
