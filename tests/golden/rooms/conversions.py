"""What papers print, turned into effects: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.conversions import cells, e_value, needed_to_treat, overlap, printed, proportions, scales
from pipeline.meta.conversions.five_numbers import mean_sd_from_quantiles

Case = dict[str, Any]
TRANSFORMS: dict[str | None, Callable[[Any], Any] | None] = {
    None: None,
    "log": np.log,
    "atanh": scales.fisher_z,
    "transf.rtoz": scales.fisher_z,
    "qlogis": proportions.logit,
    "transf.logit": proportions.logit,
}
FIVE_NUMBERS = {"min": "minimum", "q1": "q1", "median": "median", "q3": "q3", "max": "maximum", "n": "n"}


def numbers(values: Any) -> Any:
    """None (not printed) as NaN."""
    return np.array(values, dtype=float)


def conv_wald(case: Case) -> Case:
    names = {"ci_lb": "ci_lb", "ci_ub": "ci_ub", "zval": "statistic", "pval": "p"}
    given = {ours: numbers(case[name]) for name, ours in names.items() if name in case}
    transform = TRANSFORMS[case.get("transf")]
    es = printed.wald_effect(numbers(case["out"]), **given, level=case.get("level", 95), transform=transform)
    return {"yi": es.yi, "vi": es.vi}


def conv_or_d(case: Case) -> Case:
    d = scales.d_from_log_odds_ratio(case["lnor"], case["v"])
    back = scales.log_odds_ratio_from_d(d.yi, d.vi)
    return {"d": d.yi, "vd": d.vi, "lnor_back": back.yi, "d_norm": scales.d_from_log_odds_ratio_normal(case["lnor"])}


def conv_r_d(case: Case) -> Case:
    d = scales.d_from_r(case["r"])
    return {"z": scales.fisher_z(case["r"]), "d": d, "r_back": scales.r_from_d(d)}


CELLS = {"ori": cells.cells_from_odds_ratio, "ri": cells.cells_from_phi, "x2i": cells.cells_from_chi_square}


def conv_2x2(case: Case) -> Case:
    margins = {name: numbers(case[name]) for name in ("ni", "n1i", "n2i")}
    out = {name: np.full(margins["ni"].shape, np.nan) for name in ("ai", "bi", "ci", "di")}
    for name, cells_from in CELLS.items():
        printed_ = numbers(case.get(name, out["ai"] * np.nan))
        use = ~np.isnan(printed_) & np.isnan(out["ai"])  # each study by the first statistic it prints
        option = {"continuity": case.get("correct", True)} if name == "x2i" else {}
        if use.any():
            t = cells_from(printed_[use], *(x[use] for x in margins.values()), **option)
            for cell in out:
                out[cell][use] = getattr(t, cell)
    return out


def conv_fivenum(case: Case) -> Case:
    given = {FIVE_NUMBERS[name]: numbers(x) for name, x in case["data"].items()}
    method = {"default": "luo/wan/shi"}.get(case["method"], case["method"])
    distribution = {"norm": "normal", "lnorm": "lognormal"}[case.get("dist", "norm")]
    r = mean_sd_from_quantiles(
        **given, method=method, distribution=distribution, exclude_skewed=case.get("test", False)
    )
    return {"mean": r.mean, "sd": r.sd}


def transf_d(case: Case) -> Case:
    r = overlap.overlap_from_d(case["d"])
    return {"u1": r.u1, "u2": r.u2, "u3": r.u3, "ovl": r.overlap, "cles": r.superiority, "besd": r.success}


def transf_prop(case: Case) -> Case:
    pft = proportions.double_arcsine(case["p"], case["n"])
    return {
        "logit": proportions.logit(case["p"]),
        "arcsin": proportions.arcsine(case["p"]),
        "pft": pft,
        "ipft": proportions.inverse_double_arcsine(pft, case["n"]),
        "ipft_hm": proportions.inverse_double_arcsine_pooled(pft, case["n"]),
    }


def evalue_rr(case: Case) -> Case:
    r = e_value.e_value(
        case["rr"], case.get("lb"), case.get("ub"), measure=case.get("measure", "RR"), true=case.get("true", 1.0)
    )
    return {"evalue": r.estimate, "evalue_ci": r.limit}


def nnt(case: Case) -> Case:
    d = case["d"]
    return {
        "nnt_furukawa": needed_to_treat.number_needed_to_treat_from_d(d, case["cer"]),
        "nnt_kraemer": needed_to_treat.number_needed_to_treat_kraemer(d),
    }


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        conv_wald,
        conv_or_d,
        conv_r_d,
        conv_2x2,
        conv_fivenum,
        transf_d,
        transf_prop,
        evalue_rr,
        nnt,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "FIVE_NUMBER_METHODS": {
        "hozo2005": "conv_fivenum_hozo2005_V",
        "walter2007": "conv_fivenum_walter2007_V",
        "wan2014": "conv_fivenum_wan2014_V",
        "bland2015": "conv_fivenum_bland2015_V",
        "luo2016": "conv_fivenum_luo2016_shi2020_V",
        "shi2020": "conv_fivenum_luo2016_shi2020_V",
        "luo/wan/shi": "conv_fivenum_luo_wan_shi_V",
        "qe": "tests/unit/meta/test_five_numbers.py::test_quantile_matching_against_the_reference",
    }
}
