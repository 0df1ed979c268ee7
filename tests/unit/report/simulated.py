"""Simulated result folders in the schemas of the result tables. No number here is of a real trial."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import tables

NAMES = (
    "Abara",
    "Bellweather",
    "Castellanos-Ruiz",
    "Dahl",
    "Eze",
    "Fontaine",
    "Grunwald",
    "Hosokawa",
    "Ibarra",
    "Jung",
    "van den Kerkhoven-Timmermans",
    "Lund",
    "Mbeki",
    "Nowak",
    "Oyelaran",
    "Pettersson",
    "Quist",
    "Rautio",
    "Sandoval",
    "Tran",
)
INSTRUMENTS = ("phq9", "bdi2", "cesd20", "hads_d")
ROLES = ("peer", "peer_professional")


def question(
    key: str, k: int, n: int, found: int, measure: str = "SMD", better_is: str = "lower", **changes: object
) -> dict[str, object]:
    """`question.json` as a mapping."""
    event = {"RR": "admitted to hospital at least once", "OR": "admitted to hospital at least once"}.get(measure, "")
    base: dict[str, object] = {
        "key": key,
        "title": f"Simulated question: depressive symptoms, peer support v usual care ({key})",
        "kind": "peer_support",
        "outcome": "depression",
        "outcome_label": "Hospital admission" if event else "Depressive symptoms",
        "better_is": better_is,
        "event": event,
        "measure": measure,
        "measure_label": {
            "SMD": "standardised mean difference (Hedges' g)",
            "RR": "risk ratio",
            "OR": "odds ratio",
            "MD": "mean difference",
        }[measure],
        "intervention_label": "Peer support",
        "comparator": "usual_care",
        "comparator_label": "Usual care",
        "roles": ["Peers", "Peers with professionals"],
        "window_weeks": [0, 39],
        "target_weeks": 26,
        "k": k,
        "n": n if k else None,
        "found": found,
        "unit": "points",
        "content": [{"label": "Support programme", "trials": k, "weight": 100.0 if k else 0.0}] if k else [],
        "published": [],
        "sources": ["simulated"],
        "headline_prediction_from_k": 5,
        "codes": {
            "roles": {"peer": "Peers", "peer_professional": "Peers with professionals"},
            "markers": {"peer": "o", "peer_professional": "s"},
            "conditions": {"usual_care": "Usual care"},
            "modalities": {"one_to_one": "One to one"},
            "instruments": {
                "phq9": "Patient Health Questionnaire, 9 items",
                "bdi2": "Beck Depression Inventory II",
                "cesd20": "Center for Epidemiologic Studies Depression Scale, 20 items",
                "hads_d": "Hospital Anxiety and Depression Scale, depression",
            },
            "bases": {"randomisation": "weeks after randomisation"},
        },
        "choices": [
            {"choice": "Between-trial variance", "value": "REML", "why": "Recommended; approximately unbiased"},
            {
                "choice": "Time window",
                "value": "0 to 39 weeks, nearest to 26",
                "why": "One time per trial, whatever it shows",
            },
            {
                "choice": "Floor of the Hartung-Knapp factor",
                "value": "1",
                "why": "Unfloored intervals can be absurdly narrow with few trials",
            },
        ],
    }
    return {**base, **changes}


def write(
    results: Path,
    key: str,
    k: int,
    measure: str = "SMD",
    seed: int = 1,
    unused: int = 6,
    mean: float = -0.3,
    **changes: object,
) -> None:
    """The folder of one question with `k` trials used."""
    rng = np.random.default_rng(seed)
    rows = [_study(rng, key, i, i < k, measure, mean) for i in range(k + unused)]
    studies = pd.DataFrame(rows)
    used = studies[studies["used"]]
    if k >= 3:
        w = 1 / (used["vi"] + 0.03)
        studies.loc[used.index, "weight"] = 100 * w / w.sum()
    n = int(used["n_1"].sum() + used["n_2"].sum()) if k else 0
    folder = Path(results) / "questions" / key
    content = question(key, k, n, len(rows), measure, **changes)
    tables.write_text(folder / "question.json", json.dumps(content, indent=1, ensure_ascii=False))
    tables.write(studies, tables.STUDIES_USED, folder / "studies_used.csv")
    tables.write(_pooled(key, used, measure, n), tables.POOLED, folder / "pooled.csv")
    tables.write(_tests(key, k), tables.TESTS, folder / "tests.csv")
    tables.write(_influence(key, used), tables.INFLUENCE, folder / "influence.csv")
    tables.write(_translated(key, k, measure, mean), tables.TRANSLATED, folder / "translated.csv")
    tables.write(_issues(rows), tables.ISSUES, folder / "issues.csv")


def write_shared(results: Path) -> None:
    """published.csv (the two syntheses of Pfeiffer 2011, as published) and provenance.json."""
    base = {
        "review": "Pfeiffer",
        "year": 2011,
        "reference": "Gen Hosp Psychiatry 2011;33:29-36",
        "outcome": "depression",
        "population": "depression",
        "measure": "SMD",
        "k": 7,
        "better_is_negative": True,
    }
    frame = pd.DataFrame(
        [
            {
                **base,
                "id": "pfeiffer_usual_care",
                "comparison": "peer support vs usual_care",
                "n": 869,
                "estimate": -0.59,
                "ci_lb": -0.98,
                "ci_ub": -0.21,
                "note": "Standardised difference in the change of symptoms",
            },
            {
                **base,
                "id": "pfeiffer_group_cbt",
                "comparison": "peer support vs group_cbt",
                "n": 301,
                "estimate": 0.10,
                "ci_lb": -0.20,
                "ci_ub": 0.39,
                "note": "No margin was set beforehand",
            },
        ]
    )
    tables.write(frame, tables.PUBLISHED, Path(results) / "published.csv")
    provenance = {
        "inputs": [
            {
                "delivery": "simulated",
                "file": "trials.csv",
                "sha256": "ab" * 32,
                "citation": "Simulated for tests",
                "licence": "CC0",
            }
        ],
        "code_sha256": "cd" * 32,
        "lock_sha256": "ef" * 32,
        "packages": {"numpy": "2.4.6", "pandas": "3.1.1", "scipy": "1.17.1"},
    }
    tables.write_text(Path(results) / "provenance.json", json.dumps(provenance))


def _study(rng: np.random.Generator, key: str, i: int, used: bool, measure: str, mean: float) -> dict[str, object]:
    n1, n2 = int(rng.integers(18, 260)), int(rng.integers(18, 260))
    ratio = measure in ("RR", "OR")
    vi = (1 / n1 + 1 / n2) * (3.0 if ratio else 1.0)
    yi = float(rng.normal(mean, math.sqrt(0.03 + vi)))
    lb, ub = yi - 1.96 * math.sqrt(vi), yi + 1.96 * math.sqrt(vi)
    shown = [math.exp(v) if ratio else v for v in (yi, lb, ub)]
    year = 1996 + (7 * i) % 27
    reasons = (
        "the arms were not given by peers but by lay workers",
        "measured at 60 weeks, outside the window of 0 to 39 weeks",
        "the comparator is an active control, not usual care",
    )
    return {
        "question": key,
        "trial_id": f"t{i:03d}",
        "effect_id": f"sim:{i:03d}:{measure}:means",
        "study": f"{NAMES[i % 20]} {year}",
        "year": year,
        "used": used,
        "reason": "the only time in the window" if used else reasons[i % 3],
        "measure": measure,
        "basis": "events" if ratio else "means",
        "yi": yi,
        "vi": vi,
        "ci_lb": lb,
        "ci_ub": ub,
        "shown_yi": shown[0],
        "shown_ci_lb": shown[1],
        "shown_ci_ub": shown[2],
        "weight": np.nan,
        "n_1": n1,
        "n_2": n2,
        "n": n1 + n2,
        "condition_1": "support_programme",
        "role_1": ROLES[i % 2],
        "modality_1": "one_to_one",
        "condition_2": "usual_care",
        "instrument": "" if ratio else INSTRUMENTS[i % 4],
        "rating": "self-report",
        "time_weeks": float(rng.integers(8, 39)),
        "time_basis": "randomisation",
        "clustering": "unknown" if i % 5 == 0 else "none",
        "rob": ("low", "some", "high", "not_assessed")[i % 4],
        "country": ("Canada", "England", "Japan")[i % 3],
        "population": "adults discharged from crisis care with a long-term mental health condition",
        "arm_data": f"31 of {n1} v 44 of {n2}" if ratio else f"12.1 (5.0), n {n1} v 13.0 (4.8), n {n2}",
        "reference": f"Simulated J {year};{i}:1-9. doi 10.0000/sim.{i:03d}",
        "note": "a cluster trial" if i % 5 == 0 else "",
        "effects": 1,
    }


def _pooled(key: str, used: pd.DataFrame, measure: str, n: int) -> pd.DataFrame:
    if len(used) < 2:
        return tables.empty(tables.POOLED)
    rows = [_row(key, used, measure, n, "common_effect", "", "Common effect", 0.0)]
    if len(used) >= 3:
        rows.append(_row(key, used, measure, n, "main", "", "Random effects", 0.03))
        for name, label, tau2 in (
            ("plain_hk", "Hartung-Knapp without the floor", 0.03),
            ("wald", "Wald interval", 0.03),
            ("tau2_DL", "tau\u00b2 by DerSimonian-Laird", 0.05),
            ("tau2_PM", "tau\u00b2 by Paule-Mandel", 0.04),
        ):
            rows.append(_row(key, used, measure, n, name, "", label, tau2))
        for i in used.index:
            rows.append(
                _row(
                    key,
                    used.drop(index=i),
                    measure,
                    n,
                    "leave_one_out",
                    used.loc[i, "trial_id"],
                    f"Without {used.loc[i, 'study']}",
                    0.03,
                )
            )
    if len(used) >= 10:
        for rob, part in used.groupby("rob"):
            rows.append(_row(key, part, measure, n, "subgroup_rob", str(rob), f"Risk of bias: {rob}", 0.03))
    return pd.DataFrame(rows)


def _row(
    key: str, used: pd.DataFrame, measure: str, n: int, analysis: str, level: str, label: str, tau2: float
) -> dict[str, object]:
    w = 1 / (used["vi"] + tau2)
    est, se, k = float((w * used["yi"]).sum() / w.sum()), float(w.sum() ** -0.5), len(used)
    t = 1.96 + 4.0 / k
    lb, ub = est - t * se, est + t * se
    half = t * math.sqrt(tau2 + se**2) if analysis == "main" else math.nan
    q = float((used["yi"].sub(est) ** 2 / used["vi"]).sum())
    show = math.exp if measure in ("RR", "OR") else float
    return {
        "question": key,
        "analysis": analysis,
        "level": level,
        "label": label,
        "measure": measure,
        "model": "common effect" if analysis == "common_effect" or k <= 2 else "random effects",
        "k": k,
        "effects": math.nan,
        "n": n,
        "estimate": est,
        "se": se,
        "ci_lb": lb,
        "ci_ub": ub,
        "pi_lb": est - half,
        "pi_ub": est + half,
        "pi_df": k - 1,
        "statistic": est / se,
        "df": k - 1,
        "p": min(1.0, math.exp(-abs(est / se))),
        "tau2": tau2,
        "tau2_lb": 0.0,
        "tau2_ub": tau2 * 6,
        "I2": 55.0 if tau2 else 0.0,
        "H2": 2.2 if tau2 else 1.0,
        "Q": q,
        "Q_df": k - 1,
        "Q_p": 0.04,
        "converged": "yes" if tau2 else "",
        "method": "REML; Hartung-Knapp, factor at least 1, t(k-p); simulated",
        "shown_estimate": show(est),
        "shown_ci_lb": show(lb),
        "shown_ci_ub": show(ub),
        "shown_pi_lb": show(est - half) if math.isfinite(half) else math.nan,
        "shown_pi_ub": show(est + half) if math.isfinite(half) else math.nan,
    }


def _tests(key: str, k: int) -> pd.DataFrame:
    done = k >= 10
    reason = "" if done else f"needs at least 10 trials; {k} are used"
    value = 1.2 if done else math.nan
    base = {
        "question": key,
        "done": done,
        "reason": reason,
        "k": k,
        "statistic": value,
        "df": value * 10,
        "p": 0.23 if done else math.nan,
        "estimate": value,
        "se": value,
        **dict.fromkeys(("ci_lb", "ci_ub", "p_permutation", "R2"), math.nan),
    }
    return pd.DataFrame(
        [
            {
                **base,
                "test": "egger",
                "label": "Regression test of small-study effects (Egger; \u221a(1/n\u2081 + 1/n\u2082))",
            },
            {**base, "test": "subgroup_rob", "label": "Subgroups by risk of bias"},
            {
                **base,
                "test": "moderator_year",
                "label": "Year of publication, per 10 years",
                **({"ci_lb": -0.4, "ci_ub": 2.8, "p_permutation": 0.25, "R2": 12.0} if done else {}),
            },
        ]
    )


def _influence(key: str, used: pd.DataFrame) -> pd.DataFrame:
    if len(used) < 4:
        return tables.empty(tables.INFLUENCE)
    far = (used["yi"] - used["yi"].mean()).abs()
    return pd.DataFrame(
        {
            "question": key,
            "trial_id": used["trial_id"],
            "study": used["study"],
            **dict.fromkeys(("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "Q_del", "hat"), far),
            "weight": used["weight"],
            "baujat_x": far,
            "baujat_y": far,
            "influential": far.eq(far.max()),
        }
    )


def _translated(key: str, k: int, measure: str, mean: float) -> pd.DataFrame:
    if k == 0:
        return tables.empty(tables.TRANSLATED)
    if measure in ("RR", "OR"):
        value = 380 * (math.exp(mean) - 1)
        lines = [
            (
                "per_1000",
                "more (or fewer) people with the event among 1000",
                value,
                60,
                380.0,
                "at the comparator risk of the trials taken together (simulated)",
            ),
            ("percent", "per cent change of the ratio", 100 * (math.exp(mean) - 1), 20, math.nan, "simulated"),
        ]
    elif measure == "MD":
        lines = [("scale", "points", mean, 0.4, math.nan, "simulated")]
    else:
        lines = [
            (
                "points_phq9",
                "points on the Patient Health Questionnaire, 9 items (range 0 to 27)",
                6.1 * mean,
                2,
                6.1,
                "SMD times a typical SD (simulated)",
            ),
            (
                "share_better",
                "chance in 100 that a person of the first group is better off than one of the second",
                50 - 28 * mean,
                7,
                50.0,
                "simulated",
            ),
        ]
    return pd.DataFrame(
        [
            {
                "question": key,
                "unit": unit,
                "label": label,
                "k": k,
                "estimate": v,
                "ci_lb": v - half,
                "ci_ub": v + half,
                "reference": ref,
                "basis": basis,
            }
            for unit, label, v, half, ref, basis in lines
        ]
    )


def _issues(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "source": "simulated",
                "row_id": f"SIM{i:04d}",
                "study_id": r["trial_id"],
                "study": r["study"],
                "check": "mean_equals_sd",
                "gate": "contradiction",
                "severity": "warning",
                "applies_to": "arms",
                "evidence": "mean 5.0 = SD 5.0 in both arms",
                "advice": "arm values not used; the printed effect is",
            }
            for i, r in enumerate(rows[:2])
        ],
        columns=list(tables.ISSUES.columns),
    )
