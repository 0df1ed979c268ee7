"""Which answer a question has, from the interval of its headline number."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report.phrases import borderline, is_clear, side
from pipeline.report.results import Evidence

NONE, OPEN, BORDERLINE, BETTER, WORSE, DIFFERENT = "none", "open", "borderline", "better", "worse", "different"


def verdict(e: Evidence) -> str:
    """NONE (no usable trial), OPEN (cannot tell), BORDERLINE, BETTER or WORSE with the intervention, or DIFFERENT
    where the outcome has no good end."""
    q, est = e.question, e.estimate
    if est is None:
        return NONE
    if not (f.known(est.ci_lb) and f.known(est.ci_ub)):
        return OPEN
    if borderline(q, est.ci_lb, est.ci_ub, e.places):
        return BORDERLINE
    if not is_clear(q, est, e.places):
        return OPEN
    return {"intervention": BETTER, "comparator": WORSE}.get(side(q, est.value), DIFFERENT)
