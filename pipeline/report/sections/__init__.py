"""The sections of the reports: evidence in, blocks out. A new one is a function here and a cell in a notebook.

SECTIONS holds those of the technical report, SUMMARY_SECTIONS those of the funder summary, in their order.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.report.book import Block
from pipeline.report.results import Evidence
from pipeline.report.sections import context, evidence, issues, methods, opening, provenance, robustness, trials
from pipeline.report.sections.funder import SUMMARY_SECTIONS

__all__ = ["SECTIONS", "SUMMARY_SECTIONS"]

SECTIONS: dict[str, Callable[[Evidence], list[Block]]] = {
    "title": opening.title,
    "key_findings": opening.key_findings,
    "compared": opening.compared,
    "no_trial": opening.no_trial,
    "result": evidence.result,
    "plain_units": evidence.plain_units,
    "sensitivity": robustness.sensitivity,
    "leave_one_out": robustness.leave_one_out,
    "influence": robustness.influence,
    "subgroups": robustness.subgroups,
    "moderators": robustness.moderators,
    "small_study_effects": robustness.small_study_effects,
    "published": context.published,
    "trials_used": trials.trials_used,
    "trials_not_used": trials.trials_not_used,
    "data_issues": issues.data_issues,
    "methods": methods.methods,
    "choices": methods.choices,
    "glossary": methods.glossary,
    "trial_references": trials.trial_references,
    "references": methods.references,
    "reproducibility": provenance.reproducibility,
}
