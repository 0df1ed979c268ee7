"""Clustering, corrected once: only where the standard error does not carry it already, and the row says which."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.meta.clusters import design_effect

DESIGN = r"cluster|icc=|clinics randomised|zones randomised|pair-matched|multilevel"


def settle_clustering(effects: pd.DataFrame) -> pd.DataFrame:
    """Add `clustering` and `design_effect`; inflate `vi` (and `vi_arm_2`) where arm values ignore known clusters.

    Parameters
    ----------
    effects : frame with `basis`, `vi`, `cluster` (text of the study), `cluster_adjusted`, `icc`, `cluster_size`

    Notes
    -----
    Design effect 1 + (m - 1) ICC. Cochrane Handbook, chapter 23, section 23.1.4.
    """
    out = effects.copy()
    clustered = out["cluster"].str.contains(DESIGN, case=False)
    carried = out["cluster_adjusted"] & out["basis"].isin(["reported", "reported_adjusted", "reference_sd"])
    known = clustered & ~carried & out["icc"].le(1) & out["cluster_size"].ge(1)
    out["clustering"] = np.select([carried, known, clustered], ["carried", "applied", "unknown"], "none")
    out["design_effect"] = 1.0
    out.loc[known, "design_effect"] = np.maximum(
        1.0, design_effect(out.loc[known, "cluster_size"], out.loc[known, "icc"].clip(lower=0))
    )
    out["vi"] *= out["design_effect"]
    out["vi_arm_2"] *= out["design_effect"]
    return out
