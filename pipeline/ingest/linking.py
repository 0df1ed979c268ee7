"""One randomised trial, one id, across all deliveries: a trial enters a pool once.

Two reports are the same trial when the table of links says so, or when they carry the same label *and* share arm
values. The same label without a shared value, or other labels with the same numbers in both arms, may be the same
trial: only the first of the two enters a pool.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import BadInput, Problem, nearest
from pipeline.ingest.cells import require_columns
from pipeline.tables import LINKS, conform, read_csv

SHARED_ARMS = 2  # one arm with the same numbers can be chance; two are a contrast
KNOWN_COLUMNS = ("source", "study_id", "trial_id", "certain", "evidence")


def link_trials(studies: pd.DataFrame, arms: pd.DataFrame, known: Path) -> pd.DataFrame:
    """LINKS for all studies.

    Parameters
    ----------
    studies, arms : STUDIES and STUDY_ARMS of all deliveries, one below the other, the preferred delivery first.
    known : CSV of links established by reading (KNOWN_COLUMNS).

    Raises
    ------
    BadInput
        A known link that names a study which no delivery holds.
    """
    links = studies[["source", "study_id", "study"]].copy()
    links["trial_id"] = links["study_id"]
    links["certain"] = True
    links["evidence"] = "one report"
    values = _values_by_study(arms)
    for _, group in links.groupby("study_id", sort=False):
        if len(group) > 1:
            _by_label(links, group, values)
    _by_values(links, arms)
    _by_known(links, known)
    return conform(links.drop(columns="study"), LINKS, "links")


def _values_by_study(arms: pd.DataFrame) -> dict[tuple[str, str], set[tuple[object, ...]]]:
    """The arm values that can prove an identity: n with mean, or events with total."""
    out: dict[tuple[str, str], set[tuple[object, ...]]] = {}
    means = arms["n"].notna() & arms["mean"].notna()
    events = arms["events"].notna() & arms["total"].notna()
    for mask, names in ((means, ("n", "mean")), (events, ("events", "total"))):
        for row in arms.loc[mask, ["source", "study_id", *names]].itertuples(index=False):
            rounded = tuple(np.round(row[2:], 6))
            out.setdefault((row.source, row.study_id), set()).add((names, rounded))
    return out


def _by_label(links: pd.DataFrame, group: pd.DataFrame, values: dict[tuple[str, str], set[tuple[object, ...]]]) -> None:
    first = group.iloc[0]
    for i in group.index[1:]:
        other = links.loc[i]
        shared = values.get((first["source"], first["study_id"]), set()) & values.get(
            (other["source"], other["study_id"]), set()
        )
        links.loc[i, "certain"] = bool(shared)
        count = f"{len(shared)} identical arm values" if shared else "no arm value in common"
        links.loc[i, "evidence"] = f"same label as in {first['source']}; {count}"
        if shared:
            links.loc[group.index[0], "evidence"] = f"stands in {other['source']} too; {count}"


def _by_values(links: pd.DataFrame, arms: pd.DataFrame) -> None:
    """Studies under other labels that have both arms in common (n, mean and SD, or events and people)."""
    place = {key: i for i, key in enumerate(zip(links["source"], links["study_id"], strict=True))}
    holders: dict[tuple[float, ...], set[int]] = {}
    for names in (("n", "mean", "sd"), ("events", "total")):
        known = arms[list(names)].notna().all(axis=1)
        for row in arms.loc[known, ["source", "study_id", *names]].itertuples(index=False):
            holders.setdefault(tuple(np.round(row[2:], 6)), set()).add(place[(row.source, row.study_id)])
    shared = Counter(pair for found in holders.values() for pair in combinations(sorted(found), 2))
    for (i, j), count in sorted(shared.items()):
        if count < SHARED_ARMS or links.loc[i, "study_id"] == links.loc[j, "study_id"]:
            continue
        links.loc[j, ["trial_id", "certain"]] = [links.loc[i, "trial_id"], False]
        links.loc[j, "evidence"] = f"{count} arms have the same numbers as {links.loc[i, 'study']}: perhaps one trial"


def _by_known(links: pd.DataFrame, known: Path) -> None:
    table = read_csv(known)
    require_columns(table, KNOWN_COLUMNS, known.name)
    problems = []
    for line, row in enumerate(table.itertuples(index=False), start=2):
        at = links["source"].eq(row.source) & links["study_id"].eq(row.study_id)
        if not at.any():
            hint = nearest(row.study_id, links.loc[links["source"].eq(row.source), "study_id"])
            problems.append(
                Problem(
                    known.name, "no such study", hint or "correct source and study_id", line, "study_id", row.study_id
                )
            )
        if row.certain not in ("yes", "no"):
            problems.append(
                Problem(known.name, "is not allowed here", "say it", line, "certain", row.certain, "yes, no")
            )
        links.loc[at, ["trial_id", "evidence"]] = [row.trial_id, row.evidence]
        links.loc[at, "certain"] = row.certain == "yes"
    if problems:
        raise BadInput(problems)
