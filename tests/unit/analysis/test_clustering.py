"""Clustering is corrected once. Design effect 1 + (m - 1) ICC (Cochrane Handbook 23.1.4)."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.clustering import settle_clustering

ICC = {"cluster": "icc=0.05 avg_cluster=8", "icc": 0.05, "cluster_size": 8.0}
TOLD = {"cluster": "cluster randomised", "icc": np.nan, "cluster_size": np.nan}
NONE = {"cluster": "", "icc": np.nan, "cluster_size": np.nan}


@pytest.mark.parametrize(
    ("design", "basis", "adjusted", "word", "factor"),
    [
        (ICC, "reported", True, "carried", 1),
        (ICC, "reported_adjusted", True, "carried", 1),
        (ICC, "reference_sd", True, "carried", 1),
        (ICC, "means", True, "applied", 1.35),  # the arms' SDs know nothing of the printed analysis
        (ICC, "means", False, "applied", 1.35),  # 1 + 7 * 0.05
        (ICC, "reported", False, "applied", 1.35),
        (ICC | {"icc": 0.0}, "events", False, "applied", 1),
        (ICC | {"icc": -0.02}, "events", False, "applied", 1),
        (TOLD, "means", False, "unknown", 1),
        (TOLD, "reported", False, "unknown", 1),
        (TOLD, "reported", True, "carried", 1),
        (NONE, "means", False, "none", 1),
    ],
)
def test_inflated_only_where_nothing_carries_it(design, basis, adjusted, word, factor):
    row = design | {"basis": basis, "cluster_adjusted": adjusted, "vi": 0.1, "vi_arm_2": 0.04}
    out = settle_clustering(pd.DataFrame([row])).iloc[0]
    assert out["clustering"] == word
    assert out[["design_effect", "vi", "vi_arm_2"]].tolist() == pytest.approx([factor, 0.1 * factor, 0.04 * factor])
