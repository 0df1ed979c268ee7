"""The field's words. Standard library only; everything else in the project speaks in these terms.

A *trial* is one randomised comparison of people; a *study* is one report of it in one source. An *arm* is a group
of people who received one *condition* from supporters in one *role*. A *question* asks for one outcome, one
intervention against one comparator, in one time window.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which direction of an outcome or instrument is good for people."""

    LOWER = "lower"
    HIGHER = "higher"


class PooledModel(StrEnum):
    """How a pooled number came about."""

    RANDOM = "random effects"
    COMMON = "common effect"
    SINGLE = "single trial"
    DEPENDENT = "correlated and hierarchical effects"
    BAYESIAN = "Bayesian random effects"
    MANTEL_HAENSZEL = "Mantel-Haenszel"
    ADJUSTED = "adjusted for small-study effects"


class Measure(StrEnum):
    """Effect measures. Ratio measures are analysed as natural logarithms and shown as ratios."""

    SMD = "SMD"
    MD = "MD"
    ROM = "ROM"
    RR = "RR"
    OR = "OR"
    RD = "RD"
    IRR = "IRR"
    HR = "HR"

    @property
    def is_ratio(self) -> bool:
        return self in (Measure.ROM, Measure.RR, Measure.OR, Measure.IRR, Measure.HR)


class ValueKind(StrEnum):
    """What an arm's mean is a mean of."""

    ENDPOINT = "endpoint"
    CHANGE = "change"
    COUNT = "count"


class Status(StrEnum):
    """What became of an effect. Nothing is dropped: an effect that is not `ok` carries its reason."""

    OK = "ok"
    EXCLUDED = "excluded"
    NOT_COMPUTABLE = "not_computable"


class Severity(StrEnum):
    """`error` stops the pipeline, `exclude` keeps the row out of every pool, `warning` and `note` go to the report."""

    ERROR = "error"
    EXCLUDE = "exclude"
    WARNING = "warning"
    NOTE = "note"


class Gate(StrEnum):
    FORM = "form"
    CONTRADICTION = "contradiction"
    PLAUSIBILITY = "plausibility"


@dataclass(frozen=True, slots=True)
class Condition:
    """What an arm received. `kind` is 'intervention' or 'control'; lower `rank` is arm 1 of a contrast."""

    code: str
    label: str
    kind: str
    rank: int
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class Role:
    """Who gave it. `is_peer` is true only for people who share the lived experience."""

    code: str
    label: str
    is_peer: bool
    marker: str
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind` is continuous, event, count or time. `event` names the counted event ('' if none), `unit` that of a
    mean difference ('' for scale points)."""

    code: str
    label: str
    kind: str
    better_is: Better | None
    event: str
    definition: str
    source: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A way to measure an outcome. Ranges and SDs are in scale points; None where not read in a source.

    `verified` is true when the range and direction were read in `source`; nothing may lean on the others unseen.
    `scoring` is sum, mean, transformed, other or ''. `reference_sd` is pooled over `reference_sd_k` trials.
    """

    code: str
    label: str
    family: str
    outcome: str
    better_is: Better | None
    items: int | None
    score_min: float | None
    score_max: float | None
    reference_sd: float | None
    verified: bool
    source: str
    item_min: float | None = None
    item_max: float | None = None
    scoring: str = ""
    reverse_items: str = ""
    missing_item_rule: str = ""
    cutoffs: str = ""
    reference_sd_k: int | None = None
    reference_sd_source: str = ""
    licence_note: str = ""


@dataclass(frozen=True, slots=True)
class Modality:
    """How the support reached people."""

    code: str
    label: str
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Where it took place; `parent` is the wider setting ('' for the widest)."""

    code: str
    parent: str
    label: str
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class TimeBasis:
    """What the weeks of a time point are counted from."""

    code: str
    label: str
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A stretch of follow-up in weeks: `weeks_min` <= t < `weeks_max` (None: no upper end)."""

    code: str
    label: str
    weeks_min: float
    weeks_max: float | None
    source: str

    def holds(self, weeks: float) -> bool:
        return self.weeks_min <= weeks and (self.weeks_max is None or weeks < self.weeks_max)


@dataclass(frozen=True, slots=True)
class EffectType:
    """How a printed effect is read.

    `measure` is None when no effect measure follows from the print. `reading` says what to do with the number and
    its limits first: as_printed, one_minus (1 - x), percent (x / 100), inverse (1 / x), t or p (a two-sample test).
    `bias_corrected` is the small-sample correction of a standardised mean difference.
    """

    code: str
    label: str
    measure: Measure | None
    scale: str
    reading: str
    is_difference_in_change: bool
    adjusted: bool
    cluster_adjusted: bool
    bias_corrected: bool
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class EffectSign:
    """A source's sign convention: a claim about the *printed* number, to be tested against the arm data.

    `favours_int` says when the number favours the intervention: above_0, below_0, above_1, below_1 or '' (not known).
    `printed_as` is ctl_v_int when a ratio was printed upside down. A ratio is turned over once, when its effect type
    reads `inverse` or its sign says `ctl_v_int`.
    """

    code: str
    label: str
    favours_int: str
    printed_as: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Mcid:
    """A smallest important difference. `kind`: within_person, between_group. `unit`: points or percent_of_baseline."""

    instrument: str
    kind: str
    value: float
    unit: str
    population: str
    verified: bool
    source: str


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """How a source's domain, outcome text and instrument become an outcome; '' matches anything.

    `measured_as` replaces the instrument where one instrument text covers several measures. `event_is` is `same` or
    `complement` (the source counts the people without the outcome's event), '' for outcomes that are not events.
    """

    outcome_domain: str
    outcome_text: str
    instrument: str
    code: str
    measured_as: str
    event_is: str
    note: str


@dataclass(frozen=True, slots=True)
class ArmRule:
    """What an intervention's text says about its arm; '' matches any modality or role.

    `role` replaces the role given for the trial where the arms of one trial had different supporters.
    """

    intervention: str
    modality: str
    given_role: str
    condition: str
    role: str
    note: str


@dataclass(frozen=True, slots=True)
class Synonym:
    """One word of a source and the code it means in a registry; `note` says why where it is not plain."""

    registry: str
    term: str
    code: str
    note: str
