"""Effect sizes of single studies: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.conversions import printed
from pipeline.meta.effect_sizes import two_by_two, two_groups
from pipeline.meta.effect_sizes.cohens_d import cohens_d

Case = dict[str, Any]
MEASURE_OPTIONS = {"add", "to", "drop00", "vtype", "correct"}


def escalc(case: Case) -> Case:
    name, data, options = case["measure"], dict(case["data"]), dict(case["options"])
    if name not in two_groups.MEASURES or not set(options) <= MEASURE_OPTIONS:
        raise NotImplementedError(f"{name} {options}")
    if options.pop("correct", True) is False:
        options["correction"] = "none"
    if name == "MD":
        options = {"pooled": options.get("vtype") == "HO"}
    if name == "ROM":
        options["corrected"] = options.pop("correction", "exact") != "none"
    if name == "PETO":
        options = {"to": "only0"} | options
    if "bi" in data:
        es = two_groups.MEASURES[name](two_by_two.from_cells(**data), **options)
    elif "ti" in data:
        es = two_groups.hedges_g(printed.d_from_t(data["ti"], data["n1i"], data["n2i"]), data["n1i"], data["n2i"])
    elif "pi" in data:
        es = two_groups.hedges_g(printed.d_from_p(data["pi"], data["n1i"], data["n2i"]), data["n1i"], data["n2i"])
    elif "di" in data:
        es = two_groups.hedges_g(data["di"], data["n1i"], data["n2i"])
    else:
        es = two_groups.MEASURES[name](**data, **options)
    return {"yi": es.yi, "vi": es.vi}


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

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "MEASURES": {
        "SMD": "escalc_SMD_normand_LS",
        "MD": "escalc_MD_normand",
        "ROM": "escalc_ROM_curtis",
        "RR": "escalc_RR_bcg",
        "OR": "escalc_OR_bcg",
        "RD": "escalc_RD_bcg",
        "PETO": "escalc_PETO_bcg",
        "IRR": "escalc_IRR_nielweise2008",
    },
    "CORRECTIONS": {
        "exact": "escalc_SMD_tinyn",
        "approximate": "ipd_hedges_sleep",
        "none": "escalc_SMD_nocorrect_normand",
    },
    "VTYPES": {
        "LS": "escalc_SMD_normand_LS",
        "LS2": "escalc_SMD_normand_LS2",
        "UB": "escalc_SMD_normand_UB",
        "AV": "escalc_SMD_normand_AV",
    },
}
