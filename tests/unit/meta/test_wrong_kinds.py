"""Values of the wrong kind end in InvalidInput that names the argument, never in an error of numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.conversions.five_numbers import mean_sd_from_quantiles
from pipeline.meta.dependence.cluster_deletion import leave_one_cluster_out
from pipeline.meta.dependence.correlated_hierarchical import correlated_hierarchical_effects
from pipeline.meta.dependence.multilevel import three_level
from pipeline.meta.equivalence import equivalence
from pipeline.meta.moderators.wald import omnibus
from pipeline.meta.pooling.combined_p import combine_p
from pipeline.meta.pooling.meta_regression import proportion_explained
from pipeline.meta.small_study.funnel import funnel
from pipeline.meta.small_study.pet_peese import pet_peese
from pipeline.meta.small_study.trim_and_fill import trim_and_fill

Y, V, WHO = [0.9, 0.6, 0.5, 0.2], [0.20, 0.10, 0.05, 0.01], ["a", "b", "c", "d"]
TEXT: Any = ["low", "0.6", "0.5", "0.2"]
WRONG: Any = "left"

CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "effects of three levels": (lambda: three_level(TEXT, V, WHO), "yi is not numeric"),
    "variances of three levels": (lambda: three_level(Y, TEXT, WHO), "v is not numeric"),
    "correlated effects": (lambda: correlated_hierarchical_effects(TEXT, V, WHO), "yi is not numeric"),
    "variances that vanish": (lambda: three_level(Y, [1e-300, 0.1, 0.1, 0.1], WHO), r"v\[0\] must be >= 1e-100"),
    "complex quartiles": (lambda: mean_sd_from_quantiles([50], median=[3], q1=[2 + 1j], q3=[5]), "q1 is not numeric"),
    "effects without a cluster": (lambda: leave_one_cluster_out(TEXT, V, WHO), "yi is not numeric"),
    "p values": (lambda: combine_p(TEXT), "p is not numeric"),
    "coefficients": (lambda: omnibus(TEXT, [[1.0]], [0]), "beta is not numeric"),
    "between-study variance": (lambda: proportion_explained(TEXT, 0.1), "tau2 is not numeric"),
    "degrees of freedom": (lambda: equivalence(0.1, 0.1, -0.5, 0.5, df=WRONG), "df is not numeric"),
    "size of the test": (lambda: equivalence(0.1, 0.1, -0.5, 0.5, alpha=WRONG), "alpha is one-sided"),
    "expected direction": (lambda: pet_peese(Y, V, direction=WRONG), "direction must be 1 or -1"),
    "points of a funnel": (lambda: funnel(Y, V, points=WRONG), "points must be a whole number"),
    "limits as text": (lambda: trim_and_fill(Y, V, limits=WRONG), "limits is not numeric"),
    "limits reversed": (lambda: trim_and_fill(Y, V, limits=(1, -1)), "limits must be the smallest and the largest"),
    "a method that is no name": (
        lambda: mean_sd_from_quantiles([50], median=[3], q1=[2], q3=[5], method=None),  # type: ignore[arg-type]
        "method must be a name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_refused_by_name(call: str) -> None:
    run, message = CALLS[call]
    with pytest.raises(InvalidInput, match=message):
        run()
