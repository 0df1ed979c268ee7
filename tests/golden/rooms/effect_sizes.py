"""Effect sizes of single studies: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.effect_sizes.cohens_d import cohens_d
from pipeline.meta.effect_sizes.measures import MEASURES, effect_size

Case = dict[str, Any]
OTHER_NAMES = {"OR2D": "OR2DL", "D2OR": "D2ORL"}
J_CORRECTED = {"SMD", "SMDH", "SMD1", "SMD1H", "SMN", "SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH"}
BIAS_CORRECTED = {"ROM", "VR", "CVR", "SDLN", "CVLN", "ROMC"}
ONLY_ZERO_BY_DEFAULT = {"PETO"}


def options_of(measure: str, case: Case) -> Case:
    """The reference's options under our names; what a measure does not have is left away, as the reference does."""
    options = {name: case[name] for name in ("add", "to", "drop00") if name in case}
    if measure in ONLY_ZERO_BY_DEFAULT:
        options = {"to": "only0"} | options
    if measure in J_CORRECTED:
        options["correction"] = "exact" if case.get("correct", True) else "none"
    if measure in BIAS_CORRECTED:
        options["corrected"] = case.get("correct", True)
    vtype = case.get("vtype", "LS")
    if measure == "MD":
        options["pooled"] = vtype == "HO"
    elif vtype != "LS":
        options["vtype"] = vtype
    return options


def escalc(case: Case) -> Case:
    measure = OTHER_NAMES.get(case["measure"], case["measure"])
    if measure not in MEASURES:
        raise NotImplementedError(measure)
    columns = {name: np.array(x, dtype=float) for name, x in case["data"].items()}
    whole = np.all([~np.isnan(x) for x in np.broadcast_arrays(*columns.values())], axis=0)  # NA in, NA out
    out = {"yi": np.full(whole.shape, np.nan), "vi": np.full(whole.shape, np.nan)}
    if whole.any():
        es = effect_size(
            measure, **{name: x[whole] for name, x in columns.items()}, **options_of(measure, case["options"])
        )
        out["yi"][whole], out["vi"][whole] = es.yi, es.vi
    return out


def hedges_g_raw(case: Case) -> Case:
    r = cohens_d(case["x"], case["y"])
    return {"d": r.d, "J": r.j, "g": r.g, "d_lb": r.d_lb, "d_ub": r.d_ub, "J_approx": r.j_approximate}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        escalc,
        hedges_g_raw,
    )
}
