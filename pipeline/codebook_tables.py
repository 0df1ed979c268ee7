"""The tables of `data/codebook`: what each column may hold, how they refer to one another, and the reading of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pipeline import tables
from pipeline.errors import BadInput, Problem, nearest
from pipeline.vocabulary import (
    ArmRule,
    Better,
    Condition,
    EffectSign,
    EffectType,
    Instrument,
    Mcid,
    Measure,
    Modality,
    Outcome,
    OutcomeRule,
    Role,
    Setting,
    Synonym,
    TimeBasis,
    TimeWindow,
)

EVENT_KINDS = ("event", "time")
FIXED = {
    "rating": tuple(a for a in tables.STUDY_ARMS.columns["rating"].allowed or () if a),
    "rob": tables.STUDIES.columns["rob"].allowed or (),
}
REGISTRIES: dict[str, type] = {
    "condition": Condition,
    "role": Role,
    "modality": Modality,
    "setting": Setting,
    "outcome": Outcome,
    "instrument": Instrument,
    "timepoint_basis": TimeBasis,
    "timepoint_window": TimeWindow,
    "effect_type": EffectType,
    "effect_sign": EffectSign,
}
OTHERS: dict[str, type] = {"mcid": Mcid, "synonym": Synonym, "outcome_rule": OutcomeRule, "arm_rule": ArmRule}
ALLOWED = {
    ("condition", "kind"): ("intervention", "control"),
    ("outcome", "kind"): ("continuous", "event", "count", "time"),
    ("instrument", "scoring"): ("sum", "mean", "transformed", "other", ""),
    ("effect_type", "scale"): ("natural", "log", ""),
    ("effect_type", "reading"): ("as_printed", "one_minus", "percent", "inverse", "t", "p"),
    ("effect_sign", "favours_int"): ("above_0", "below_0", "above_1", "below_1", ""),
    ("effect_sign", "printed_as"): ("ctl_v_int", ""),
    ("mcid", "kind"): ("within_person", "between_group"),
    ("mcid", "unit"): ("points", "percent_of_baseline"),
    ("outcome_rule", "event_is"): ("same", "complement", ""),
}
KEYS = {
    "mcid": ("instrument", "kind", "unit", "value", "population"),
    "synonym": ("registry", "term"),
    "outcome_rule": ("outcome_domain", "outcome_text", "instrument"),
    "arm_rule": ("intervention", "modality", "given_role"),
}
FOLDED = ("term", "outcome_domain", "outcome_text", "intervention")
REFERENCES = {
    ("instrument", "outcome"): "outcome",
    ("setting", "parent"): "setting",
    ("mcid", "instrument"): "instrument",
    ("outcome_rule", "instrument"): "instrument",
    ("outcome_rule", "code"): "outcome",
    ("outcome_rule", "measured_as"): "instrument",
    ("arm_rule", "modality"): "modality",
    ("arm_rule", "given_role"): "role",
    ("arm_rule", "condition"): "condition",
    ("arm_rule", "role"): "role",
}
REQUIRED = (("mcid", "instrument"), ("outcome_rule", "code"), ("arm_rule", "condition"), ("synonym", "code"))


def fold(term: str) -> str:
    """The text that terms are matched on: case folded, white space collapsed."""
    return " ".join(term.casefold().split())


def read_tables(folder: Path) -> tuple[dict[str, list[Any]], dict[str, frozenset[str]]]:
    """The entries of every table, by its name, and the codes of every registry.

    Raises
    ------
    BadInput
        A missing, empty or misshapen table; a duplicate or dangling code; a range that contradicts itself.
    """
    read = {name: _entries(folder / f"{name}.csv", cls) for name, cls in {**REGISTRIES, **OTHERS}.items()}
    codes = {name: frozenset(e.code for e in read[name]) for name in REGISTRIES}
    codes |= {name: frozenset(words) for name, words in FIXED.items()}
    if problems := [*_duplicates(read), *_dangling(read, codes), *_contradictions(read)]:
        raise BadInput(problems)
    return read, codes


def key_of(name: str, entry: Any) -> tuple[Any, ...]:
    """What must be unique in the table `name`."""
    return tuple(getattr(entry, k) for k in KEYS.get(name, ("code",)))


def _entries(path: Path, cls: type) -> list[Any]:
    """The rows of one table as `cls`, whose fields are the columns."""
    if not path.is_file():
        raise BadInput(Problem(path.name, "is missing", f"put it back into {path.parent.name}"))
    frame = tables.read_csv(path)
    wanted = {f.name: str(f.type) for f in fields(cls)}
    problems = [Problem(path.name, f"column '{c}' is missing", "add it") for c in wanted if c not in frame.columns]
    for c in (c for c in frame.columns if c not in wanted):
        fix = nearest(str(c), wanted) or "remove it or correct its name"
        problems.append(Problem(path.name, f"column '{c}' is not known", fix))
    if frame.empty:
        problems.append(Problem(path.name, "has no rows", "put back the rows below the header"))
    if problems:
        raise BadInput(problems)
    entries = []
    for line, cells in enumerate(zip(*(frame[c] for c in wanted), strict=True), start=2):
        values, refused = _typed(path, line, wanted, cells)
        problems += refused
        if not refused:
            entries.append(cls(*values))
    if problems:
        raise BadInput(problems)
    return entries


def _typed(path: Path, line: int, wanted: Mapping[str, str], cells: Iterable[str]) -> tuple[list[Any], list[Problem]]:
    values: list[Any] = []
    refused = []
    for (column, kind), cell in zip(wanted.items(), cells, strict=True):
        allowed = ALLOWED.get((path.stem, column))
        try:
            if allowed is not None and cell not in allowed:
                raise ValueError
            values.append(fold(cell) if column in FOLDED else CONVERT[kind](cell))
        except (ValueError, KeyError):
            words = ", ".join(w or "(empty)" for w in allowed) if allowed else FORM[kind]
            refused.append(Problem(path.name, "is not allowed here", "correct the cell", line, column, cell, words))
    return values, refused


def _duplicates(read: Mapping[str, list[Any]]) -> Iterator[Problem]:
    for name, entries in read.items():
        column = KEYS.get(name, ("code",))[0]
        seen: dict[tuple[Any, ...], int] = {}
        for line, entry in enumerate(entries, start=2):
            key = key_of(name, entry)
            if key[0] == "":
                yield Problem(f"{name}.csv", "has no name", f"fill in '{column}'", line, column, "")
            elif key in seen:
                fix = f"keep it here or in row {seen[key]}"
                yield Problem(f"{name}.csv", "stands twice", fix, line, column, " / ".join(map(str, key)))
            seen.setdefault(key, line)


def _dangling(read: Mapping[str, list[Any]], codes: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    references = [
        (name, column, registry, line, getattr(entry, column))
        for (name, column), registry in REFERENCES.items()
        for line, entry in enumerate(read[name], start=2)
    ]
    for line, s in enumerate(read["synonym"], start=2):
        if s.registry not in codes:
            known = ", ".join(sorted(codes))
            yield Problem("synonym.csv", "is not a registry", "correct it", line, "registry", s.registry, known)
        else:
            references.append(("synonym", "code", s.registry, line, s.code))
            if s.term in codes[s.registry] and s.term != s.code:
                yield Problem(
                    "synonym.csv", "is a code itself", "a code means itself: remove the row", line, "term", s.term
                )
    for name, column, registry, line, code in references:
        if code not in codes[registry] and not (code == "" and (name, column) not in REQUIRED):
            fix = nearest(code, codes[registry]) or f"add it to {registry}.csv or correct it"
            yield Problem(f"{name}.csv", f"is not a code of {registry}", fix, line, column, code)


def _contradictions(read: Mapping[str, list[Any]]) -> Iterator[Problem]:
    better = {o.code: o.better_is for o in read["outcome"]}
    for name, check in CHECKS.items():
        for line, entry in enumerate(read[name], start=2):
            for problem, fix in check(entry):
                yield Problem(f"{name}.csv", problem, fix, line, None, entry.code)
    for line, i in enumerate(read["instrument"], start=2):
        wanted = better.get(i.outcome)
        if i.better_is and wanted and i.better_is != wanted:
            fix = f"correct better_is or the outcome: {i.outcome} says {wanted}"
            yield Problem(
                "instrument.csv", "has another direction than its outcome", fix, line, "better_is", i.better_is
            )
    markers = [r.marker for r in read["role"]]
    for line, marker in enumerate(markers, start=2):
        if markers.count(marker) > 1:
            yield Problem("role.csv", "is used by another role too", "give each role its own", line, "marker", marker)


def _check_instrument(i: Instrument) -> Iterator[tuple[str, str]]:
    """Sums: items times the item's range is the score's range. Means: the two ranges are one."""
    for low, high, what in ((i.item_min, i.item_max, "item"), (i.score_min, i.score_max, "score")):
        if low is not None and high is not None and low >= high:
            yield f"{what}_min {low:g} is not below {what}_max {high:g}", "correct the range"
    times = {"sum": i.items, "mean": 1}.get(i.scoring)
    if times is not None:
        for item, score, end in ((i.item_min, i.score_min, "min"), (i.item_max, i.score_max, "max")):
            if item is not None and score is not None and item * times != score:
                yield (
                    f"a {i.scoring} of items would have score_{end} {item * times:g}, not {score:g}",
                    "correct one of them",
                )
    if i.reference_sd is not None:
        width = float("inf") if i.score_min is None or i.score_max is None else i.score_max - i.score_min
        if not 0 < i.reference_sd <= width / 2:
            yield f"reference_sd {i.reference_sd:g} cannot occur in this range", "correct the range or the SD"


def _check_outcome(o: Outcome) -> Iterator[tuple[str, str]]:
    if (o.kind in EVENT_KINDS) != bool(o.event):
        yield "an event needs words and nothing else has them", "fill in or empty 'event', or correct 'kind'"


def _check_window(w: TimeWindow) -> Iterator[tuple[str, str]]:
    if w.weeks_max is not None and w.weeks_min >= w.weeks_max:
        yield "weeks_min is not below weeks_max", "correct the window"


def _check_effect_type(e: EffectType) -> Iterator[tuple[str, str]]:
    if (e.measure is None) != (e.scale == "") or (e.scale == "log" and not (e.measure and e.measure.is_ratio)):
        yield (
            "measure and scale do not fit",
            "a measure needs a scale; 'log' is for ratios; without a measure leave it empty",
        )


def _yes(cell: str) -> bool:
    return {"yes": True, "no": False}[cell]


def _or_none(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda cell: None if cell == "" else convert(cell)


CONVERT: dict[str, Callable[[str], Any]] = {
    "str": str,
    "bool": _yes,
    "int": int,
    "float": float,
    "int | None": _or_none(int),
    "float | None": _or_none(float),
    "Better | None": _or_none(Better),
    "Measure | None": _or_none(Measure),
}
FORM = {
    "bool": "yes, no",
    "int": "a whole number",
    "float": "a number",
    "int | None": "a whole number or empty",
    "float | None": "a number or empty",
    "Better | None": "lower, higher or empty",
    "Measure | None": ", ".join(Measure) + " or empty",
}
CHECKS: dict[str, Callable[[Any], Iterator[tuple[str, str]]]] = {
    "instrument": _check_instrument,
    "outcome": _check_outcome,
    "timepoint_window": _check_window,
    "effect_type": _check_effect_type,
}
