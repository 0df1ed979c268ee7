"""What a delivery says of people randomised or treated in groups."""

from __future__ import annotations

import pandas as pd

from pipeline.checks.delivery import Delivery
from pipeline.meta.dependence.clusters import design_effect, partially_nested_design_effect

# "group-randomised" only where no word before it says which group: two-group, parallel-group, support group
DASH = "[-\u2010\u2011\u2013 ]"
IN_WORDS = (
    rf"((?<!not )(?<!not a )(?<!non{DASH})\bcluster{DASH}?(?:randomi[sz]|rct|controlled|trial)\w*"
    rf"|\brandomi[sz](?:ed|ation) (?:by|in|of) (?:clusters?|groups)\b"
    rf"|(?:^|[.:(]\s*|\ban? )group{DASH}randomi[sz]ed)"
)


def named_in_title(studies: pd.DataFrame) -> pd.Series:
    """The words of a label or reference (STUDIES) that say that the trial randomised clusters; NaN where none do."""
    label, reference = (studies[c].str.extract(f"(?i:{IN_WORDS})", expand=False) for c in ("study", "reference"))
    return label.fillna(reference).str.strip(" .:(")


def is_clustered(d: Delivery, rows: pd.DataFrame) -> pd.Series:
    """Which rows of REPORTED carry clustering in their SE, or are of a study whose clusters are named."""
    design = d.studies[["source", "study_id", "cluster"]]
    named = rows[["source", "study_id"]].merge(design, on=["source", "study_id"], how="left")["cluster"].fillna("")
    return rows["cluster_adjusted"] | named.ne("").set_axis(rows.index)


def stated_inflation(d: Delivery, rows: pd.DataFrame) -> pd.Series:
    """Variance inflation of a stated ICC and cluster size; 1 where none is stated."""
    kinds = {code: c.kind for code, c in d.codebook.conditions.items()}
    arms = d.pairs[["source", "row_id", "condition_2"]].drop_duplicates(["source", "row_id"])
    control = rows.merge(arms, how="left")["condition_2"].map(kinds).eq("control").to_numpy()
    out = pd.Series(1.0, index=rows.index)
    stated = (rows["icc"].between(0, 1) & rows["cluster_size"].ge(1)).to_numpy()
    for which, one_arm in ((stated & control, True), (stated & ~control, False)):
        part = rows[which]
        if len(part) and one_arm:
            out[which] = partially_nested_design_effect(part["cluster_size"], part["icc"], part["n_1"], part["n_2"])
        elif len(part):
            out[which] = design_effect(part["cluster_size"], part["icc"])
    return out
