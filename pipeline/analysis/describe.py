"""A question in words: what `question.json` tells the report."""

from __future__ import annotations

import pandas as pd

from pipeline.analysis.questions import Question
from pipeline.analysis.synthesis import Answer, SynthesisParams
from pipeline.codebook import Codebook
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.vocabulary import PooledModel

MEASURES = {
    "SMD": "standardised mean difference (Hedges' g)",
    "MD": "mean difference",
    "ROM": "ratio of means",
    "RR": "risk ratio",
    "OR": "odds ratio",
    "RD": "risk difference",
    "IRR": "rate ratio",
    "HR": "hazard ratio",
}
PREDICTIONS = {"t_k1": "t with k - 1 degrees of freedom", "t_k2": "t with k - 2 degrees of freedom", "normal": "normal"}


def describe(key: str, question: Question, found: Answer, book: Codebook, params: SynthesisParams) -> dict[str, object]:
    """Everything a report needs to name the question and the choices behind its answer."""
    used = found.studies_used[found.studies_used["used"]]
    outcome, people = book.outcomes[question.outcome], used["n"].astype(float).to_numpy().sum()
    return {
        "key": key,
        "title": question.title,
        "kind": question.kind,
        "outcome": question.outcome,
        "outcome_label": outcome.label,
        "event": outcome.event,
        "better_is": outcome.better_is.value if outcome.better_is else "",
        "measure": question.measure,
        "measure_label": MEASURES[question.measure],
        "intervention_label": _intervention(question, book),
        "comparator": question.comparator,
        "comparator_label": book.conditions[question.comparator].label,
        "roles": [book.roles[r].label for r in question.roles],
        "window_weeks": list(question.window_weeks),
        "target_weeks": question.target_weeks,
        "k": len(used),
        "n": None if people != people else people,
        "found": len(found.studies_used),
        "sources": list(question.sources),
        "unit": outcome.unit or "points",
        "content": _content(used, book),
        "published": list(question.published),
        "headline_prediction_from_k": params.headline_prediction_from_k,
        "choices": _choices(question, book, params, _together(found)),
        "codes": {
            "roles": {c: r.label for c, r in book.roles.items()},
            "markers": {c: r.marker for c, r in book.roles.items()},
            "conditions": {c: x.label for c, x in book.conditions.items()},
            "modalities": {c: m.label for c, m in book.modalities.items()},
            "instruments": {c: i.label for c, i in book.instruments.items()},
            "families": {c: i.family for c, i in book.instruments.items()},
            "bases": {c: b.label for c, b in book.bases.items()},
        },
    }


def _content(used: pd.DataFrame, book: Codebook) -> list[dict[str, object]]:
    """What the intervention arms of the trials used received: trials and their weight, percent."""
    return [
        {"label": book.conditions[code].label, "trials": len(rows), "weight": float(rows["weight"].sum())}
        for code, rows in used.groupby("condition_1", sort=True)
    ]


def _intervention(question: Question, book: Codebook) -> str:
    if question.kind == "context":
        return " or ".join(book.conditions[c].label for c in question.conditions)
    return "Peer support"


def _together(found: Answer) -> bool:
    """Does the main analysis take in all effects of each trial?"""
    return bool((found.pooled["analysis"].eq("main") & found.pooled["model"].eq(PooledModel.DEPENDENT)).any())


def _choices(question: Question, book: Codebook, params: SynthesisParams, together: bool) -> list[dict[str, str]]:
    """The choices that shape this answer, each with its reason (params.yaml holds them all)."""
    lo, hi = question.window_weeks
    ranks = [book.instruments[i].label for i in question.instruments]
    if together:
        how = "ML" if params.tau2 == "ML" else "REML"
        variance = f"{how}, between trials and within them", "as far as a model of several effects per trial has it"
        interval = "cluster-robust (CR2), t with Satterthwaite degrees of freedom", "right whatever the correlation"
    else:
        variance = params.tau2, "among the estimators Cochrane endorses"
        interval = INTERVALS[params.interval].label, "without the floor it can be absurdly narrow with few trials"
    rows = [
        ("Effect measure", MEASURES[question.measure], "one measure per pool; different ratios are never mixed"),
        (
            "Who counts as a peer" if question.kind == "peer_support" else "Who gave it",
            ", ".join(book.roles[r].label for r in question.roles),
            "judged per arm from the source's own words",
        ),
        ("Comparator", book.conditions[question.comparator].label, "mixed or undescribed controls are not added in"),
        (
            "Time window",
            f"{lo:g} to {hi:g} weeks; where one measurement is taken, that nearest to {question.target_weeks:g} weeks",
            "chosen by time, whatever it shows",
        ),
        (
            "Instrument",
            "; ".join(ranks) if ranks else "any",
            "where one is taken, the first in this order",
        ),
        (
            "Several effects of a trial",
            f"all together from {params.several_effects.main_from_k} trials on, errors correlated by "
            f"{params.several_effects.rho:g}; below, one, and all together as a sensitivity analysis",
            "robust errors need enough trials",
        ),
        ("Between-trial variance", *variance),
        ("Confidence interval", *interval),
        (
            "Prediction interval",
            PREDICTIONS["t_k1" if together else params.prediction],
            f"in the headline from {params.headline_prediction_from_k} trials on",
        ),
        (
            "Fewer than three trials",
            "two: both, and a common-effect line; one: the trial itself",
            "no between-trial variance can be learnt",
        ),
    ]
    return [{"choice": c, "value": v, "why": w} for c, v, w in rows]
