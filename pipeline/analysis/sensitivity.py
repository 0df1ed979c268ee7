"""Named sensitivity analyses that change which effects enter. To add one: a row of SENSITIVITY."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.analysis.pooled import Z95, Fit, Row, variant_row
from pipeline.analysis.questions import Question
from pipeline.analysis.trials import trials_for
from pipeline.codebook import Codebook

SUPPORT = ("support_programme", "support_group")


@dataclass(frozen=True, slots=True)
class Variant:
    """A named change of what enters.

    Attributes
    ----------
    keep : reason codes set aside (see `questions.judge`)
    among : picks from the found effects before trials are formed
    without : True for the trials of the main analysis that are left out
    inflate : variance of unknown clustering times the assumed design effect
    """

    label: str
    keep: frozenset[str] = frozenset()
    among: Callable[[pd.DataFrame], pd.DataFrame] = lambda found: found
    without: Callable[[Fit], np.ndarray] = lambda main: np.zeros(main.k, dtype=bool)
    inflate: bool = False


def outliers(main: Fit) -> np.ndarray:
    """Trials whose 95 % interval does not touch the pooled one (the Metapsy standard's definition), from k = 3 on."""
    if main.k < 3:
        return np.zeros(main.k, dtype=bool)
    half = Z95 * np.sqrt(main.vi)
    return (main.yi - half > main.random.ci_ub) | (main.yi + half < main.random.ci_lb)


def unknown_clusters(main: Fit) -> np.ndarray:
    """Trials randomised by cluster whose interval may not account for it."""
    return main.trials["clustering"].eq("unknown").to_numpy(bool)


SENSITIVITY: dict[str, Variant] = {
    "no_unknown_clusters": Variant(
        "Without cluster trials whose interval may not account for the clusters", without=unknown_clusters
    ),
    "cluster_deff": Variant("With an assumed design effect for those cluster trials", inflate=True),
    "reference_sd": Variant("With trials standardised by the instrument's reference SD", frozenset({"reference_sd"})),
    "flagged_kept": Variant("With effects that a check keeps out", frozenset({"check"})),
    "not_high_rob": Variant("Without trials at high risk of bias", among=lambda f: f[f["rob"].ne("high")]),
    "arm_values": Variant(
        "Arm values in place of adjusted effects", among=lambda f: f[~f["basis"].str.startswith("reported_adj")]
    ),
    "support_only": Variant(
        "Support programmes only, without therapy given by peers", among=lambda f: f[f["condition_1"].isin(SUPPORT)]
    ),
    "no_outliers": Variant("Without trials whose interval does not touch the pooled one", without=outliers),
}


def sensitivity(
    key: str,
    question: Question,
    found: pd.DataFrame,
    book: Codebook,
    main: Fit,
    prediction_from_k: int,
    assumed_design_effect: float,
) -> list[Row]:
    """Each variant that changes the trials or their variances, pooled as its number of trials allows."""
    lines = []
    for name, variant in SENSITIVITY.items():
        trials = _selected(variant, question, found, book, main)
        trials = trials[~trials["trial_id"].isin(set(main.trials.loc[variant.without(main), "trial_id"]))]
        if variant.inflate:
            unknown = trials["clustering"].eq("unknown")
            trials = trials.assign(vi=trials["vi"].where(~unknown, trials["vi"] * assumed_design_effect))
        if len(trials) and not _same(trials, main.trials):
            fit = main.but(trials=trials)
            lines.append(variant_row(key, name, "", variant.label, fit, prediction_from_k))
    return lines


def _selected(variant: Variant, question: Question, found: pd.DataFrame, book: Codebook, main: Fit) -> pd.DataFrame:
    """The trials of a variant; those of the main analysis where it changes nothing that is found."""
    among = variant.among(found)
    kept = found["reason_code"].isin(variant.keep).any()
    return trials_for(among, question, book, variant.keep) if kept or len(among) < len(found) else main.trials


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return tuple(one["effect_id"]) == tuple(other["effect_id"]) and tuple(one["vi"]) == tuple(other["vi"])
