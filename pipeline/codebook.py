"""The registries of `data/codebook`: every code, every synonym, and the rules that read a source's words.

Matching is on text with case folded and white space collapsed. A word that is neither a code nor a synonym is refused
with its nearest neighbours: what a source does not say is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from pipeline.codebook_tables import EVENT_KINDS, REGISTRIES, fold, key_of, read_tables
from pipeline.errors import BadInput, Problem, nearest
from pipeline.vocabulary import (
    ArmRule,
    Condition,
    EffectSign,
    EffectType,
    Instrument,
    Mcid,
    Modality,
    Outcome,
    OutcomeRule,
    Role,
    Setting,
    TimeBasis,
    TimeWindow,
)

OPTIONAL = ("instrument", "rating")  # registries where an empty cell means "the source names none"


@dataclass(frozen=True, slots=True)
class OutcomeReading:
    """`outcome` and `instrument` are codes ('' = no instrument named); `event_is` is same, complement or ''."""

    outcome: str
    instrument: str
    event_is: str


@dataclass(frozen=True, slots=True)
class ArmReading:
    """Codes of what an arm received, who gave it and how."""

    condition: str
    role: str
    modality: str


@dataclass(frozen=True, slots=True)
class Codebook:
    """Read-only registries, code -> entry. `synonyms` maps (registry, folded term) -> code."""

    conditions: Mapping[str, Condition]
    roles: Mapping[str, Role]
    modalities: Mapping[str, Modality]
    settings: Mapping[str, Setting]
    outcomes: Mapping[str, Outcome]
    instruments: Mapping[str, Instrument]
    bases: Mapping[str, TimeBasis]
    windows: Mapping[str, TimeWindow]
    effect_types: Mapping[str, EffectType]
    effect_signs: Mapping[str, EffectSign]
    mcids: Mapping[str, tuple[Mcid, ...]]
    synonyms: Mapping[tuple[str, str], str]
    codes: Mapping[str, frozenset[str]]
    outcome_rules: Mapping[tuple[str, str, str], OutcomeRule]
    arm_rules: Mapping[tuple[str, str, str], ArmRule]

    def resolve(
        self, registry: str, term: str, *, file: str = "", row: int | str | None = None, column: str | None = None
    ) -> str:
        """The code of `registry` that a source's `term` means. Raises `BadInput` for an unknown term."""
        code = self._find(registry, term)
        if code is None:
            raise BadInput(self._unknown(registry, term, file, row, column))
        return code

    def resolve_all(
        self,
        registry: str,
        terms: pd.Series,
        *,
        file: str,
        rows: Iterable[int | str] | None = None,
        column: str | None = None,
    ) -> pd.Series:
        """`resolve` for a column. `rows` name the rows in messages (default: lines of the file, header = 1).

        Raises `BadInput` once, with every unknown cell.
        """
        found = {term: self._find(registry, term) for term in terms.unique()}
        column = str(terms.name) if column is None else column
        names = range(2, len(terms) + 2) if rows is None else rows
        problems = [
            self._unknown(registry, term, file, row, column)
            for term, row in zip(terms, names, strict=True)
            if found[term] is None
        ]
        if problems:
            raise BadInput(problems)
        return terms.map(found).astype(object)

    def outcome_of(
        self, domain: str, text: str, instrument: str, *, file: str = "", row: int | str | None = None
    ) -> OutcomeReading:
        """What was measured: the most exact rule for domain, text and instrument, else the instrument's own outcome.

        All three arguments are the source's words; `domain` is matched folded. Raises `BadInput` when nothing decides.
        """
        code = self.resolve("instrument", instrument, file=file, row=row, column="instrument")
        domain, text = fold(domain), fold(text)
        for key in ((domain, text, code), (domain, text, ""), (domain, "", code), (domain, "", "")):
            if rule := self.outcome_rules.get(key):
                return OutcomeReading(rule.code, rule.measured_as or code, rule.event_is)
        outcome = self.instruments[code].outcome if code else ""
        if not outcome:
            fix = "add a row to outcome_rule.csv for this domain and outcome text"
            known = nearest(domain, {key[0] for key in self.outcome_rules})
            raise BadInput(
                Problem(
                    file,
                    "no rule says what was measured",
                    f"{fix}; {known}".rstrip("; "),
                    row,
                    "outcome",
                    f"{domain} / {text} / {code}",
                )
            )
        return OutcomeReading(outcome, code, "same" if self.outcomes[outcome].kind in EVENT_KINDS else "")

    def arm_of(
        self, intervention: str, delivery: str, peer_role: str, *, file: str = "", row: int | str | None = None
    ) -> ArmReading:
        """What an intervention arm received and from whom, from the source's own words. Raises `BadInput`."""
        modality = self.resolve("modality", delivery, file=file, row=row, column="delivery")
        role = self.resolve("role", peer_role, file=file, row=row, column="peer_role")
        text = fold(intervention)
        for key in ((text, modality, role), (text, "", role), (text, modality, ""), (text, "", "")):
            if rule := self.arm_rules.get(key):
                return ArmReading(rule.condition, rule.role or role, modality)
        hint = nearest(text, {key[0] for key in self.arm_rules})
        fix = f"add a row to arm_rule.csv for this intervention; {hint}".rstrip("; ")
        raise BadInput(Problem(file, "no rule says what this arm received", fix, row, "intervention", intervention))

    def _find(self, registry: str, term: str) -> str | None:
        key = fold(term)
        if key == "" and registry in OPTIONAL:
            return ""
        return key if key in self.codes[registry] else self.synonyms.get((registry, key))

    def _unknown(self, registry: str, term: str, file: str, row: int | str | None, column: str | None) -> Problem:
        words = {*self.codes[registry], *(t for r, t in self.synonyms if r == registry)}
        known = nearest(fold(term), words)
        fix = f"{known or 'correct the cell'} or add a row to synonym.csv (registry {registry})"
        allowed = sorted(self.codes[registry])
        return Problem(
            file,
            f"is not a known {registry}",
            fix,
            row,
            column or registry,
            term,
            ", ".join(allowed) if len(allowed) <= 20 else None,
        )


def load(folder: str | Path) -> Codebook:
    """Read and check the codebook.

    Raises
    ------
    BadInput
        A missing, empty or misshapen table; a duplicate or dangling code; a range that contradicts itself.
    """
    read, codes = read_tables(Path(folder))
    registry = {name: MappingProxyType({e.code: e for e in read[name]}) for name in REGISTRIES}
    return Codebook(
        conditions=registry["condition"],
        roles=registry["role"],
        modalities=registry["modality"],
        settings=registry["setting"],
        outcomes=registry["outcome"],
        instruments=registry["instrument"],
        bases=registry["timepoint_basis"],
        windows=registry["timepoint_window"],
        effect_types=registry["effect_type"],
        effect_signs=registry["effect_sign"],
        mcids=MappingProxyType(
            {i: tuple(m for m in read["mcid"] if m.instrument == i) for i in {m.instrument for m in read["mcid"]}}
        ),
        synonyms=MappingProxyType({(s.registry, s.term): s.code for s in read["synonym"]}),
        codes=MappingProxyType(codes),
        outcome_rules=MappingProxyType({key_of("outcome_rule", r): r for r in read["outcome_rule"]}),
        arm_rules=MappingProxyType({key_of("arm_rule", r): r for r in read["arm_rule"]}),
    )
