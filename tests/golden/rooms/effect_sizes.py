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

# measures that the gold cases do not have, on other data sets, from the reference itself
OTHER_DATA = "tests/golden/test_escalc_other_data.py::test_measure_on_other_data"
SHEPPARD = "tests/golden/test_escalc_other_data.py::test_tetrachoric_of_even_margins"

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "MEASURES": {
        "MD": "escalc_MD_normand",
        "ROM": "escalc_ROM_curtis",
        "SMD": "escalc_SMD_normand_LS",
        "SMDH": "escalc_SMDH_curtis",
        "SMD1": "escalc_SMD1_normand",
        "SMD1H": "escalc_SMD1H_normand",
        "CLESN": "escalc_CLESN_normand",
        "VR": "escalc_VR_normand",
        "CVR": "escalc_CVR_normand",
        "RR": "escalc_RR_bcg",
        "OR": "escalc_OR_bcg",
        "RD": "escalc_RD_bcg",
        "AS": "escalc_AS_bcg",
        "PETO": "escalc_PETO_bcg",
        "PBIT": "escalc_PBIT_bcg",
        "OR2DN": "escalc_OR2DN_bcg",
        "OR2DL": "escalc_OR2DL_bcg",
        "D2ORN": "escalc_D2ORN_normand",
        "D2ORL": "escalc_D2ORL_normand",
        "IRR": "escalc_IRR_nielweise2008",
        "IRD": "escalc_IRD_nielweise2008",
        "IRSD": "escalc_IRSD_nielweise2008",
        "PHI": "escalc_PHI_bcg",
        "YUQ": "escalc_YUQ_bcg",
        "YUY": "escalc_YUY_bcg",
        "RTET": SHEPPARD,
        "ZPHI": OTHER_DATA,
        "ZTET": SHEPPARD,
        "RPB": "escalc_RPB_normand",
        "RBIS": "escalc_RBIS_normand",
        "ZPB": OTHER_DATA,
        "ZBIS": OTHER_DATA,
        "COR": "escalc_COR_crede",
        "UCOR": "escalc_UCOR_UB_molloy",
        "ZCOR": "escalc_ZCOR_crede",
        "PCOR": "escalc_PCOR_synth",
        "ZPCOR": "escalc_ZPCOR_synth",
        "SPCOR": OTHER_DATA,
        "ZSPCOR": OTHER_DATA,
        "R2": "escalc_R2_synth",
        "ZR2": "escalc_ZR2_synth",
        "PR": "escalc_PR_debruin",
        "PLN": "escalc_PLN_debruin",
        "PLO": "escalc_PLO_debruin",
        "PRZ": "escalc_PRZ_debruin",
        "PAS": "escalc_PAS_debruin",
        "PFT": "escalc_PFT_debruin",
        "IR": "escalc_IR_synth",
        "IRLN": "escalc_IRLN_synth",
        "IRS": "escalc_IRS_synth",
        "IRFT": "escalc_IRFT_synth",
        "MN": "escalc_MN_synth",
        "SMN": "escalc_SMN_synth",
        "MNLN": "escalc_MNLN_synth",
        "SDLN": "escalc_SDLN_synth",
        "CVLN": "escalc_CVLN_synth",
        "MC": "escalc_MC_morris2008",
        "SMCC": "escalc_SMCC_morris2008",
        "SMCR": "escalc_SMCR_morris2008",
        "SMCRH": "escalc_SMCRH_morris2008",
        "SMCRP": "escalc_SMCRP_morris2008",
        "SMCRPH": "escalc_SMCRPH_morris2008",
        "ROMC": "escalc_ROMC_morris2008",
        "VRC": OTHER_DATA,
        "CVRC": OTHER_DATA,
        "MPRD": "escalc_MPRD_synth",
        "MPRR": "escalc_MPRR_synth",
        "MPOR": "escalc_MPOR_synth",
        "MPORM": OTHER_DATA,
        "MPORC": "escalc_MPORC_synth",
        "MPPETO": "escalc_MPPETO_synth",
        "ARAW": "escalc_ARAW_bonett",
        "AHW": "escalc_AHW_bonett",
        "ABT": "escalc_ABT_bonett",
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
