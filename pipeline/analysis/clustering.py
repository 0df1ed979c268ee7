"""Clustering, corrected once: only where the standard error does not carry it already, and the row says which."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.meta.dependence.clusters import design_effect

DESIGN = r"(?<!not )(?<!non-)(?:cluster|icc=|clinics randomised|zones randomised|pair-matched|multilevel)"
TITLE = r"(?<!not )(?<!non-)cluster[- ]?randomi[sz]"
WHOLE = r"cluster[- ]?r|clinics randomised|zones randomised"


def settle_clustering(effects: pd.DataFrame) -> pd.DataFrame:
    """Add `clustering` and `design_effect`; inflate `vi` (and `vi_arm_2`) where arm values ignore known clusters.

    Parameters
    ----------
    effects : frame with `basis`, `vi`, `vi_arm_2`, `cluster` (text of the study), `reference`, `cluster_adjusted`,
        `icc`, `cluster_size`

    Notes
    -----
    Design effect 1 + (m - 1) ICC. Cochrane Handbook, chapter 23, section 23.1.4. A stated ICC without randomised
    clusters belongs to an intervention given in groups: only the variance of that arm is inflated. A trial that calls
    itself cluster randomised in its title and says no more is `unknown`.
    """
    out = effects.copy()
    clustered = out["cluster"].str.contains(DESIGN, case=False) | out["reference"].str.contains(TITLE, case=False)
    carried = out["cluster_adjusted"] & out["basis"].isin(["reported", "reported_adjusted", "reference_sd"])
    known = clustered & ~carried & out["icc"].le(1) & out["cluster_size"].ge(1)
    out["clustering"] = np.select([carried, known, clustered], ["carried", "applied", "unknown"], "none")
    factor = pd.Series(1.0, index=out.index)
    factor[known] = np.maximum(1.0, design_effect(out.loc[known, "cluster_size"], out.loc[known, "icc"].clip(lower=0)))
    in_one_arm = known & ~out["cluster"].str.contains(WHOLE, case=False) & out["vi_arm_2"].notna()
    fixed = out["vi_arm_2"].where(in_one_arm, 0.0).fillna(0.0)
    before = out["vi"]
    out["vi"] = (before - fixed) * factor + fixed
    out["vi_arm_2"] *= factor.where(~in_one_arm, 1.0)
    out["design_effect"] = (out["vi"] / before).where(before.gt(0), 1.0).clip(lower=1.0)
    return out
