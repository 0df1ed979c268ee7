"""Models of dependent effects: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from pipeline.meta.dependence import satterthwaite
from pipeline.meta.dependence.multilevel_i2 import multilevel_i2
from pipeline.meta.dependence.multivariate import Multivariate, multivariate
from pipeline.meta.dependence.profile_likelihood import component_intervals
from pipeline.meta.dependence.random_terms import Correlated, Intercepts, RandomTerm, Slopes, nested
from pipeline.meta.dependence.robust_variance import robust_variance
from pipeline.meta.moderators.design import Design, design
from tests.golden.rooms.robust import vcalc

Case = dict[str, Any]
_SAMPLING = {"phi", "rho", "g1", "g2", "grp1", "grp2", "rvars"}
_SECOND = {"sigma2": "sigma2", "tau2": "gamma2", "rho": "phi"}
_SLOPES = {"GEN": "UN", "GDIAG": "DIAG"}
_FACTOR = re.compile(r"factor\((\w+)\)")


def rma_mv(case: Case) -> Case:
    made = _design(case)
    return _fit(_model(case, made)) | ({"coef_names": list(made.names)} if made else {})


def rma_mv_che(case: Case) -> Case:
    units = case.get("unit", list(range(len(case["yi"]))))
    full = {"random": "~1|cluster/unit"} | case | {"unit": units, "V": vcalc(case | {"obs": units})["V"]}
    m = _model(full, _design(case))
    r = robust_variance(case["yi"], m.x, case["cluster"], covariance=m.marginal, kind=case.get("kind", "CR2"))
    t = satterthwaite.coefficient_tests(r, level=case.get("level", 95))
    return _fit(m) | {"se_CR2": t.se, "df_CR2": t.df, "p_CR2": t.p, "ci_lb_CR2": t.ci_lb, "ci_ub_CR2": t.ci_ub}


def multilevel_I2(case: Case) -> Case:
    shares = multilevel_i2(_model({"random": "~1|cluster/unit"} | case, _design(case)))
    return {"I2_total": shares.total, "I2_levels": shares.levels, "typical_variance": shares.typical_variance}


def confint_mv(case: Case) -> Case:
    m = _model({"random": "~1|cluster/unit"} | case, _design(case))
    seen: Counter[str] = Counter()
    out: Case = {}
    for i in component_intervals(m, case.get("level", 95)):
        kind = _SECOND[i.component.kind] if m.tau2 and i.component.term > _first_correlated(m) else i.component.kind
        seen[kind] += 1
        name = f"{kind}_{seen[kind]}"
        out |= {name: i.component.estimate, f"{name}_lb": i.ci_lb, f"{name}_ub": i.ci_ub}
    alone = {
        kind: {k.replace("_1", "", 1): out[k] for k in (f"{kind}_1", f"{kind}_1_lb", f"{kind}_1_ub")}
        for kind, n in seen.items()
        if n == 1
    }
    return out | {k: v for part in alone.values() for k, v in part.items()}


def _first_correlated(m: Multivariate) -> int:
    return next(n for n, t in enumerate(m.random) if not isinstance(t, Intercepts))


def _model(case: Case, made: Design | None) -> Multivariate:
    v = case["V"] if "V" in case else vcalc(case)["V"] if _SAMPLING & set(case) else case["vi"]
    test = "contain" if case.get("dfs") == "contain" else case.get("test", "z")
    return multivariate(
        case["yi"], v, made.x if made else None, random=_random(case), estimator=case.get("method", "REML"),
        test=test, level=case.get("level", 95),
    )  # fmt: skip


def _fit(m: Multivariate) -> Case:
    out = {
        "k": m.k, "beta": m.beta, "se": m.se, "stat": m.statistic, "pval": m.p, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub,
        "vb": m.vb, "ddf": m.df, "sigma2": m.sigma2, "QE": m.Q, "QEp": m.Q_p, "QM": m.QM, "QMdf": [m.QM_df, m.QM_df2],
        "QMp": m.QM_p, "logLik": m.log_lik, "AIC": m.AIC, "BIC": m.BIC, "AICc": m.AICc,
    }  # fmt: skip
    for names, variance, rho in zip((("tau2", "rho"), ("gamma2", "phi")), m.tau2, m.rho, strict=False):
        out |= {names[0]: variance, names[1]: rho if rho.size else [0.0]}
    return out


def _design(case: Case) -> Design | None:
    """The fixed part; repeated measurements without a formula get one mean for each time."""
    formula, mods = case.get("formula"), dict(case.get("mods", {}))
    if formula is None and "mods" in case:
        formula = "~" + "+".join(mods)
    if formula is None and "time" in case:
        formula, mods = "~factor(time)", {"time": case["time"]}
    if formula is None:
        return None
    for name in _FACTOR.findall(formula):
        order = sorted(set(mods[name]))
        mods[name] = [f"{order.index(x):06d}" for x in mods[name]]
    return design(_FACTOR.sub(r"\1", formula), mods)


def _column(case: Case, name: str) -> Any:
    """A column of the case, wherever it keeps it; None where it has none."""
    name = _FACTOR.sub(r"\1", name.strip())
    places = (case, case.get("mods", {}), case.get("data", {}))
    return next((place[name] for place in places if name in place), None)


def _random(case: Case) -> list[RandomTerm]:
    """Terms of `~1|a/b`, `~inner|outer` and lists of them; a level without a column in the case does not take part."""
    structures = case.get("struct", "CS")
    wanted = iter([structures] if isinstance(structures, str) else structures)
    terms: list[RandomTerm] = []
    for inner, outer in re.findall(r"~\s*([^|~,]+?)\s*\|\s*([\w/ ]+)", str(case.get("random", ""))):
        groups = [c for c in (_column(case, name) for name in outer.split("/")) if c is not None]
        if inner == "1":
            terms += nested(*groups) if len(groups) > 1 else [Intercepts(groups[0], **_known(case, outer.strip()))]
            continue
        structure = next(wanted, "CS")
        if structure in _SLOPES:
            x = design("~" + inner, case | case.get("mods", {}) | case.get("data", {})).x
            terms.append(Slopes(x, groups[0], _SLOPES[structure]))
        else:
            terms.append(Correlated(_column(case, inner), groups[0], structure))
    return terms


def _known(case: Case, name: str) -> Case:
    if name not in case.get("R", {}):
        return {}
    return {"correlation": case["R"][name], "levels": case.get("R_levels", {}).get(name, sorted(set(case[name])))}


ADAPTERS: dict[str, Callable[[Case], Case]] = {f.__name__: f for f in (rma_mv, rma_mv_che, multilevel_I2, confint_mv)}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "STRUCTURES": {
        "CS": "mv_berkey_CS",
        "HCS": "mv_berkey_HCS",
        "UN": "mv_berkey_UN",
        "ID": "mv_berkey_ID",
        "DIAG": "mv_berkey_DIAG",
        "AR": "mv_ar_AR_V",
        "HAR": "mv_ishak_AR",
        "CAR": "mv_ar_CAR_V",
    },
    "DF_RULES": {
        "z": "mv_3level_assink2016_REML_z",
        "t": "mv_3level_assink2016_REML_t",
        "contain": "mv_3level_tdf_assink2016",
    },
}
