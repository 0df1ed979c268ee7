"""Small-study effects and publication bias: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.meta.effect_sizes import measures, two_by_two
from pipeline.meta.small_study import regression_tests

Case = dict[str, Any]


def regtest(case: Case) -> Case:
    x = regression_tests.predictor(case["predictor"], case["vi"], case["ni"])
    r = regression_tests.regression_test(case["yi"], case["vi"], x, model=case["model"], estimator=case["method"])
    return _regression_test(r) | {"est": r.limit, "ci_lb": r.limit_lb, "ci_ub": r.limit_ub}


def egger(case: Case) -> Case:
    # the classic form regresses yi/sei on 1/sei: its intercept is our slope and its slope our limit
    r = regression_tests.egger(case["yi"], case["vi"])
    return {"intercept": r.slope, "se": r.se, "t": r.statistic, "p": r.p, "slope": r.limit}


def metabias(case: Case) -> Case:
    t = two_by_two.from_events(case["ai"], case["n1i"], case["ci"], case["n2i"])
    es = measures.MEASURES[case["measure"]](t)
    tests: Mapping[str, Callable[[], regression_tests.RegressionTest]] = {
        "Egger": lambda: regression_tests.egger(es.yi, es.vi),
        "Thompson": lambda: regression_tests.thompson(es.yi, es.vi),
        "Pustejovsky": lambda: regression_tests.pustejovsky_rodgers(es.yi, es.vi, t.n1i, t.n2i),
        "Peters": lambda: regression_tests.peters(es.yi, t),
        "Harbord": lambda: regression_tests.harbord(t),
        "Deeks": lambda: regression_tests.deeks(es.yi, t),
        "Macaskill": lambda: regression_tests.macaskill(es.yi, es.vi, t.n1i + t.n2i),
    }
    if case["method"] == "Begg":
        r = regression_tests.begg(es.yi, es.vi)
        return {"statistic": r.z, "pval": r.z_p}
    if case["method"] not in tests:
        raise NotImplementedError(case["method"])
    found = _regression_test(tests[case["method"]]())
    return found | {"statistic": found["stat"]}


def ranktest(case: Case) -> Case:
    r = regression_tests.begg(case["yi"], case["vi"])
    return {"tau": r.tau, "pval": r.p}


def _regression_test(r: regression_tests.RegressionTest) -> Case:
    return {"stat": r.statistic, "df": r.df, "pval": r.p}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        regtest,
        egger,
        metabias,
        ranktest,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "PREDICTORS": {
        "sei": "regtest_lm_sei_bcg",
        "vi": "regtest_lm_vi_bcg",
        "ni": "regtest_lm_ni_bcg",
        "ninv": "regtest_lm_ninv_bcg",
        "sqrtni": "regtest_lm_sqrtni_bcg",
        "sqrtninv": "regtest_lm_sqrtninv_bcg",
    }
}
