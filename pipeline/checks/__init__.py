"""Checks of the tidy tables before anything is computed from them. To add one: a function in the module of its gate, a
row of CHECKS, and a test with a case that it must find and one that it must not.

Three gates, after the Metapsy data standard: form, contradiction, plausibility.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pipeline.checks import contradiction, form, plausibility
from pipeline.checks.delivery import Check, CheckParams, Delivery, Finding
from pipeline.tables import ISSUES, conform
from pipeline.vocabulary import Gate, Severity

__all__ = ["CHECKS", "Check", "CheckParams", "Delivery", "Finding", "gate", "run_checks"]

CHECKS: dict[str, Check] = {
    "negative_sd": form.negative_sd,
    "negative_se": form.negative_se,
    "sample_size": form.sample_size,
    "part_of_a_person": form.part_of_a_person,
    "events_above_total": form.events_above_total,
    "limits_reversed": form.limits_reversed,
    "same_row_twice": form.same_row_twice,
    "repeated_in_other_words": form.repeated_in_other_words,
    "mean_outside_range": form.mean_outside_range,
    "zero_weeks": form.zero_weeks,
    "extractor_flag": form.extractor_flag,
    "mean_equals_sd": contradiction.mean_equals_sd,
    "same_numbers_twice": contradiction.same_numbers_twice,
    "mean_and_sd_beyond_range": contradiction.mean_and_sd_beyond_range,
    "interval_off_centre": contradiction.interval_off_centre,
    "se_against_interval": contradiction.se_against_interval,
    "sign_against_means": contradiction.sign_against_means,
    "sign_untestable": contradiction.sign_untestable,
    "g_against_means": contradiction.g_against_means,
    "smd_standard_error": plausibility.smd_standard_error,
    "md_standard_error": plausibility.md_standard_error,
    "sd_too_small": plausibility.sd_too_small,
    "sd_too_large": plausibility.sd_too_large,
    "sd_against_own_baseline": plausibility.sd_against_own_baseline,
    "pre_post_change": plausibility.pre_post_change,
    "count_dispersion": plausibility.count_dispersion,
    "large_smd": plausibility.large_smd,
    "cluster_not_named": plausibility.cluster_not_named,
}

_GRAVITY = {s: i for i, s in enumerate((Severity.ERROR, Severity.EXCLUDE, Severity.WARNING, Severity.NOTE))}


def gate(check: Check) -> Gate:
    """The gate whose room, the module, a check lives in."""
    return Gate(check.__module__.rpartition(".")[2])


def run_checks(delivery: Delivery, checks: Mapping[str, Check] = CHECKS) -> pd.DataFrame:
    """The checks on a delivery, as ISSUES: one row per row of the delivery and check, with the gravest severity."""
    frames = [_table(name, check, check(delivery)) for name, check in checks.items()]
    issues = pd.concat(frames, ignore_index=True)
    labels = delivery.studies.set_index(["source", "study_id"])["study"]
    issues["study"] = [labels.get(place, "") for place in zip(issues["source"], issues["study_id"], strict=True)]
    return conform(issues, ISSUES, ISSUES.name)


def _table(name: str, check: Check, found: list[Finding]) -> pd.DataFrame:
    place: dict[tuple[str, str], list[Finding]] = {}
    for f in found:
        place.setdefault((f.source, f.row_id), []).append(f)
    rows = [{**_merged(group), "check": name, "gate": gate(check)} for group in place.values()]
    return pd.DataFrame(rows, columns=[c for c in ISSUES.columns if c != "study"])


def _merged(group: list[Finding]) -> dict[str, str]:
    """Findings of one check on one row as one: all the evidence, the gravest severity and what that applies to."""
    group = sorted(group, key=lambda f: _GRAVITY[f.severity])
    first = group[0]
    what = {f.applies_to for f in group if f.severity == first.severity}
    return {
        "source": first.source,
        "row_id": first.row_id,
        "study_id": first.study_id,
        "severity": first.severity,
        "applies_to": what.pop() if len(what) == 1 else "row",
        "evidence": "; ".join(dict.fromkeys(f.evidence for f in group)),
        "advice": first.advice,
    }
