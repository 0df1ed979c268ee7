"""Clustering is corrected once. Design effect 1 + (m - 1) ICC (Cochrane Handbook 23.1.4)."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.clustering import settle_clustering

WHOLE = {"cluster": "cluster RCT, icc=0.05 avg_cluster=8", "icc": 0.05, "cluster_size": 8.0}
GROUPS = WHOLE | {"cluster": "icc=0.05 avg_cluster=8"}  # therapy in groups: only arm 1 is clustered
TOLD = {"cluster": "cluster randomised", "icc": np.nan, "cluster_size": np.nan}
TITLE = TOLD | {"cluster": "", "reference": "Made A. A cluster-randomised trial of peers. 2001"}
NONE = TOLD | {"cluster": ""}


@pytest.mark.parametrize(
    ("design", "basis", "adjusted", "word", "vi", "vi_arm_2"),
    [
        (WHOLE, "reported", True, "carried", 0.1, 0.04),
        (WHOLE, "reported_adjusted", True, "carried", 0.1, 0.04),
        (WHOLE, "reference_sd", True, "carried", 0.1, 0.04),
        # the arms' SDs know nothing of the printed analysis; 1 + 7 * 0.05 = 1.35
        (WHOLE, "means", True, "applied", 0.1 * 1.35, 0.04 * 1.35),
        (WHOLE, "means", False, "applied", 0.1 * 1.35, 0.04 * 1.35),
        (WHOLE, "reported", False, "applied", 0.1 * 1.35, 0.04 * 1.35),
        (GROUPS, "means", False, "applied", 0.06 * 1.35 + 0.04, 0.04),
        (WHOLE | {"icc": 0.0}, "events", False, "applied", 0.1, 0.04),
        (WHOLE | {"icc": -0.02}, "events", False, "applied", 0.1, 0.04),
        (TOLD, "means", False, "unknown", 0.1, 0.04),
        (TOLD, "reported", False, "unknown", 0.1, 0.04),
        (TOLD, "reported", True, "carried", 0.1, 0.04),
        (TITLE, "means", False, "unknown", 0.1, 0.04),
        (TITLE | {"reference": "Not cluster-randomised. 2001"}, "means", False, "none", 0.1, 0.04),
        (NONE | {"cluster": "not clustered"}, "means", False, "none", 0.1, 0.04),
        (NONE, "means", False, "none", 0.1, 0.04),
    ],
)
def test_inflated_only_where_nothing_carries_it(design, basis, adjusted, word, vi, vi_arm_2):
    row = {"reference": "Made A. 2001"} | design
    row |= {"basis": basis, "cluster_adjusted": adjusted, "vi": 0.1, "vi_arm_2": 0.04}
    out = settle_clustering(pd.DataFrame([row])).iloc[0]
    assert out["clustering"] == word
    assert out[["vi", "vi_arm_2", "design_effect"]].tolist() == pytest.approx([vi, vi_arm_2, vi / 0.1])


def test_where_the_share_of_arm_2_is_unknown_the_whole_variance_is_inflated():
    row = GROUPS | {"reference": "", "basis": "reported", "cluster_adjusted": False, "vi": 0.1, "vi_arm_2": np.nan}
    assert settle_clustering(pd.DataFrame([row]))["vi"].iloc[0] == pytest.approx(0.135)
