"""A pooled effect in units that people know: scale points, people per 1000, the chance to be better off."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from pipeline.analysis.direction import scale_sign
from pipeline.analysis.pooled import Row
from pipeline.analysis.questions import Question
from pipeline.codebook import Codebook
from pipeline.vocabulary import Better, Measure


def translate(key: str, question: Question, pooled: pd.DataFrame, trials: pd.DataFrame, book: Codebook) -> list[Row]:
    """Rows of TRANSLATED for the main analysis (two trials: the common-effect line); none without one."""
    lines = pooled[pooled["analysis"].isin(["main", "common_effect"])].sort_values("analysis", ascending=False)
    lines = lines[lines["analysis"].eq("main")] if lines["analysis"].eq("main").any() else lines
    if not len(lines):
        return []
    main = lines.iloc[0]
    limits = np.array([main["estimate"], main["ci_lb"], main["ci_ub"]], dtype=float)
    if question.measure == "SMD":
        return [*_points(key, question, main, limits, book), _share_better(key, question, main, limits, book)]
    if question.measure == "MD":
        return [_in_unit(key, main, limits, book.outcomes[question.outcome].unit or "points")]
    in_people = _per_1000(key, main, limits, trials) if question.measure in ("RR", "OR") else []
    return [*in_people, _percent(key, main, limits)] if Measure(question.measure).is_ratio else in_people


def _in_unit(key: str, main: pd.Series, limits: np.ndarray, unit: str) -> Row:
    return _line(key, "scale", unit, main, limits, np.nan, "the mean difference itself")


def _percent(key: str, main: pd.Series, limits: np.ndarray) -> Row:
    """Per cent more (or fewer) than in the comparator: 100 (ratio - 1)."""
    return _line(key, "percent", "per cent more (or less) than in the comparator", main, 100 * np.expm1(limits), np.nan,
                 "the ratio, minus one")  # fmt: skip


def _points(key: str, question: Question, main: pd.Series, limits: np.ndarray, book: Codebook) -> list[Row]:
    if question.translate_to is None:
        return []
    instrument = book.instruments[question.translate_to]
    if instrument.reference_sd is None:
        return []
    ends = limits * instrument.reference_sd
    if scale_sign(question.outcome, instrument.code, book) < 0:
        ends = -ends[[0, 2, 1]]
    scale = f" (range {instrument.score_min:g} to {instrument.score_max:g})" if instrument.score_max is not None else ""
    return [
        _line(
            key,
            f"points_{instrument.code}",
            f"points on the {instrument.label}{scale}",
            main,
            ends,
            instrument.reference_sd,
            f"SMD times a typical SD of {instrument.reference_sd:g} points",
        )
    ]


def _share_better(key: str, question: Question, main: pd.Series, limits: np.ndarray, book: Codebook) -> Row:
    """Common-language effect: P(a person of arm 1 scores better than one of arm 2). McGraw & Wong 1992, eq. 1."""
    sign = -1.0 if book.outcomes[question.outcome].better_is is Better.LOWER else 1.0
    ends = np.sort(ndtr(sign * limits[1:] / np.sqrt(2)))
    share = 100 * np.array([ndtr(sign * limits[0] / np.sqrt(2)), *ends])
    return _line(
        key,
        "share_better",
        "chance in 100 that a person of the first group is better off than one of the second",
        main,
        share,
        50.0,
        "normal distributions of equal spread (McGraw & Wong 1992); 50 is no difference",
    )


def _per_1000(key: str, main: pd.Series, limits: np.ndarray, trials: pd.DataFrame) -> list[Row]:
    """Events per 1000 people at the comparator risk of the trials taken together. Cochrane Handbook 15.4.4."""
    known = trials[["risk_2", "n_2"]].astype(float).dropna()
    if not known["n_2"].gt(0).any():
        return []
    risk = float(np.average(known["risk_2"], weights=known["n_2"]))
    ratio = np.exp(limits)
    new = risk * ratio if main["measure"] == "RR" else risk * ratio / (1 - risk + risk * ratio)
    change = 1000 * (np.minimum(new, 1.0) - risk)
    return [
        _line(
            key,
            "per_1000",
            "more (or fewer) people with the event among 1000",
            main,
            change,
            1000 * risk,
            "at the comparator risk of the trials used, taken together",
        )
    ]


def _line(key: str, unit: str, label: str, main: pd.Series, ends: np.ndarray, reference: float, basis: str) -> Row:
    return {
        "question": key,
        "unit": unit,
        "label": label,
        "k": main["k"],
        "estimate": ends[0],
        "ci_lb": ends[1],
        "ci_ub": ends[2],
        "reference": reference,
        "basis": basis,
    }
