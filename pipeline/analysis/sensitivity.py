"""Named sensitivity analyses that change which effects enter. To add one: a row of SENSITIVITY."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.analysis.pooled import Z95, Fit, Row, random_row, row
from pipeline.analysis.questions import Question
from pipeline.analysis.trials import trials_for
from pipeline.codebook import Codebook
from pipeline.meta.pooling import common_effect


@dataclass(frozen=True, slots=True)
class Variant:
    """A named change of what enters.

    Attributes
    ----------
    keep : reasons set aside (see `questions.judge`)
    among : picks from the found effects before trials are formed
    without : True for the trials of the main analysis that are left out
    """

    label: str
    keep: frozenset[str] = frozenset()
    among: Callable[[pd.DataFrame], pd.DataFrame] = lambda found: found
    without: Callable[[Fit], np.ndarray] = lambda main: np.zeros(main.k, dtype=bool)


def outliers(main: Fit) -> np.ndarray:
    """Trials whose 95 % interval does not touch the pooled one (the Metapsy standard's definition), from k = 3 on."""
    if main.k < 3:
        return np.zeros(main.k, dtype=bool)
    half = Z95 * np.sqrt(main.vi)
    return (main.yi - half > main.random.ci_ub) | (main.yi + half < main.random.ci_lb)


SENSITIVITY: dict[str, Variant] = {
    "reference_sd": Variant("With trials standardised by the instrument's reference SD", frozenset({"reference_sd"})),
    "flagged_kept": Variant("With effects that a check keeps out", frozenset({"flagged"})),
    "not_high_rob": Variant("Without trials at high risk of bias", among=lambda f: f[f["rob"].ne("high")]),
    "arm_values": Variant(
        "Arm values in place of adjusted effects", among=lambda f: f[~f["basis"].str.startswith("reported_adj")]
    ),
    "no_outliers": Variant("Without trials whose interval does not touch the pooled one", without=outliers),
}


def sensitivity(
    key: str, question: Question, found: pd.DataFrame, book: Codebook, main: Fit, prediction_from_k: int
) -> list[Row]:
    """Each variant that changes the set of effects, pooled as the main analysis (two trials: common effect)."""
    lines = []
    before = tuple(main.trials["effect_id"])
    for name, variant in SENSITIVITY.items():
        out = set(main.trials.loc[variant.without(main), "trial_id"])
        trials = trials_for(variant.among(found), question, book, variant.keep)
        trials = trials[~trials["trial_id"].isin(out)]
        if not len(trials) or tuple(trials["effect_id"]) == before:
            continue
        fit = main.but(trials=trials)
        if fit.k >= 3:
            lines.append(random_row(key, name, "", variant.label, fit, prediction_from_k))
        else:
            method = "inverse variance, Wald interval" if fit.k == 2 else "the trial's own effect, Wald interval"
            lines.append(row(key, name, "", variant.label, fit, common_effect(fit.yi, fit.vi), method))
    return lines
