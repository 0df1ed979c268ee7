"""How many people have to be treated for one more to have the event (or to be spared it)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together


def number_needed_to_treat(risk_difference: ArrayLike) -> FloatArray:
    """1 / |risk difference|; infinite where the risks are equal. Cook & Sackett 1995, BMJ 310:452.

    >>> number_needed_to_treat(-0.2).item()
    5.0
    """
    with np.errstate(divide="ignore"):
        return np.asarray(1 / np.abs(numbers("risk_difference", risk_difference, ge=-1, le=1)))[()]


def number_needed_to_treat_from_ratio(
    ratio: ArrayLike, control_risk: ArrayLike, *, of_odds: bool = False
) -> FloatArray:
    """NNT of a risk ratio, or of an odds ratio if `of_odds`, at a control group's event rate. Cochrane Handbook 15.4.4.

    Infinite where the ratio is 1.

    >>> number_needed_to_treat_from_ratio(0.5, 0.4).item()
    5.0
    >>> number_needed_to_treat_from_ratio(0.5, 0.4, of_odds=True).round(4).item()
    6.6667
    """
    given = {"ratio": numbers("ratio", ratio, gt=0), "control_risk": numbers("control_risk", control_risk, gt=0, le=1)}
    r, risk = together(given)
    treated = r * risk / (1 - risk + r * risk) if of_odds else r * risk
    if (treated > 1).any():
        raise InvalidInput("ratio times control_risk must be <= 1: the treated group's risk")
    return number_needed_to_treat(treated - risk)


def number_needed_to_treat_from_d(d: ArrayLike, control_risk: ArrayLike) -> FloatArray:
    """NNT of a standardised difference at a control group's event rate. Furukawa & Leucht 2011, PLoS One 6:e19070.

    For a good event that the treatment makes more frequent; of d only the size is used: ask first which way it points.

    >>> number_needed_to_treat_from_d(0.5, 0.2).round(4).item()
    6.0126
    """
    given = {"d": numbers("d", d), "control_risk": numbers("control_risk", control_risk, gt=0, le=1)}
    y, risk = together(given)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (special.ndtr(np.abs(y) + special.ndtri(risk)) - risk))[()]


def number_needed_to_treat_kraemer(d: ArrayLike) -> FloatArray:
    """NNT from the probability of superiority, 1 / (2 Phi(|d| / sqrt 2) - 1). Kraemer & Kupfer 2006.

    >>> number_needed_to_treat_kraemer(0.5).round(4).item()
    3.6189
    """
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (2 * special.ndtr(np.abs(numbers("d", d)) / np.sqrt(2)) - 1))[()]
