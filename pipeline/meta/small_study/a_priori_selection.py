"""Sensitivity to selection of assumed strength: step functions with fixed weights.

Vevea & Woods 2005, Psychol Methods 10:428, Table 1. The weights are examples, not a canon.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from pipeline.meta.small_study.selection_models import SelectionModel, selection_model

# one-sided p values that end the intervals; the last interval ends at 1
A_PRIORI_STEPS = (0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.50, 0.65, 0.75, 0.90, 0.95, 0.99, 0.995, 1.0)

A_PRIORI_WEIGHTS: dict[str, tuple[float, ...]] = {
    "moderate_one_tailed": (1, 0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
    "severe_one_tailed": (1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35, 0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
    "moderate_two_tailed": (1, 0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99, 1.00),
    "severe_two_tailed": (1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25, 0.50, 0.60, 0.75, 0.90, 0.99, 1.00),
}


def a_priori_selection(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    alternative: str = "greater",
    common_effect: bool = False,
    level: float = 95,
    mask: ArrayLike | None = None,
) -> dict[str, SelectionModel]:
    """One fit for each row of A_PRIORI_WEIGHTS; needs few studies, as no weight is estimated.

    Parameters
    ----------
    yi, vi, design, common_effect, level, mask : as `selection_model`
    alternative : "greater" or "less", the favoured direction; all weights are over one-sided p values

    Raises
    ------
    InvalidInput
        See `selection_model`.

    Examples
    --------
    >>> fits = a_priori_selection([0.1, 0.4, 0.3, 0.6], [0.02, 0.05, 0.04, 0.09])
    >>> bool(fits["severe_one_tailed"].beta[0] < fits["moderate_one_tailed"].beta[0])
    True
    """
    return {
        name: selection_model(
            yi,
            vi,
            design,
            steps=A_PRIORI_STEPS,
            delta=weights,
            alternative=alternative,
            common_effect=common_effect,
            level=level,
            mask=mask,
        )
        for name, weights in A_PRIORI_WEIGHTS.items()
    }
