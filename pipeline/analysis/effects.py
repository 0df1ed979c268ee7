"""EFFECTS: every contrast of every delivery with a status. A row that cannot be used stays, with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.clustering import settle_clustering
from pipeline.analysis.computed import EffectParams, from_arms
from pipeline.analysis.contrasts import contrasts
from pipeline.analysis.direction import scale_signs
from pipeline.analysis.printed import from_print
from pipeline.codebook import Codebook
from pipeline.tables import EFFECTS, conform

PRINTED = ["reported", "reported_adjusted", "reference_sd"]
REPORTED_ONLY = [
    "effect_type",
    "adjusted",
    "cluster_adjusted",
    "effect",
    "se",
    "ci_lb",
    "ci_ub",
    "level",
    "claimed_sign",
    "icc",
    "cluster_size",
    "n_1",
    "n_2",
]


def effects(
    studies: pd.DataFrame,
    arms: pd.DataFrame,
    reported: pd.DataFrame,
    links: pd.DataFrame,
    issues: pd.DataFrame,
    book: Codebook,
    params: EffectParams,
) -> pd.DataFrame:
    """EFFECTS from the tidy tables of all deliveries.

    Parameters
    ----------
    studies, arms, reported, links, issues : tables of those names; deliveries in order of preference

    Returns
    -------
    EFFECTS, one row per contrast x measure x basis, and one row with basis `none` for a contrast without any
    """
    rows = contrasts(arms, book)
    rows["outcome_kind"] = rows["outcome"].map(lambda o: book.outcomes[o].kind)
    rows = _with_printed(rows, reported)
    found = pd.concat([_computed(rows, book, params), _printed(rows, book)])
    lone = rows.index.difference(found.index)
    found = pd.concat([found, _without_effect(rows.loc[lone])])
    out = found.join(rows.drop(columns=["n_1", "n_2"]).assign(n_1=_people(rows, "1"), n_2=_people(rows, "2")))
    out = out.reset_index(drop=True).merge(studies, on=["source", "study_id"], validate="many_to_one")
    out = out.merge(
        links[["source", "study_id", "trial_id", "certain"]], on=["source", "study_id"], validate="many_to_one"
    )
    out = settle_clustering(out)
    out["source_rows"] = out["row_id"]
    out["effect_id"] = (
        out["source"] + ":" + out["row_id"] + ":" + out["measure"].replace("", "none") + ":" + out["basis"]
    )
    out["arm_data"] = _arm_data(out)
    out["risk_2"] = (out["events_2"] / out["total_2"]).where(out["total_2"].gt(0))
    out["note"] = [_joined(a, b) for a, b in zip(out["print_note"], _cluster_note(out), strict=True)]
    order = {s: i for i, s in enumerate(dict.fromkeys(arms["source"]))}
    _statuses(out, issues, order)
    return conform(out[list(EFFECTS.columns)], EFFECTS, "effects")


def _with_printed(rows: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    printed = reported[["source", "row_id", *REPORTED_ONLY]].rename(
        columns={"n_1": "printed_n_1", "n_2": "printed_n_2"}
    )
    out = rows.merge(printed, on=["source", "row_id"], how="left", validate="one_to_one")
    for name in ("adjusted", "cluster_adjusted"):
        out[name] = out[name].eq(True)
    return out


def _computed(rows: pd.DataFrame, book: Codebook, params: EffectParams) -> pd.DataFrame:
    out = from_arms(rows, params)
    sign = scale_signs(rows, book).reindex(out.index).where(out["measure"].isin(["SMD", "MD"]), 1.0)
    out["yi"] *= sign
    out["print_reason"] = np.where(out["yi"].isna(), "no event in either arm: no ratio follows", "")
    out["print_note"] = np.where(sign < 0, "the scale runs against its outcome and was turned round", "")
    return out


def _printed(rows: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    found = [
        {
            "at": at,
            "measure": p.measure,
            "basis": p.basis,
            "yi": p.yi,
            "vi": p.vi,
            "vi_arm_2": np.nan,
            "print_reason": p.reason,
            "print_note": p.note,
        }
        for at, row in rows[rows["effect"].notna()].iterrows()
        for p in from_print(row, book)
    ]
    columns = ["at", "measure", "basis", "yi", "vi", "vi_arm_2", "print_reason", "print_note"]
    return pd.DataFrame(found, columns=columns).set_index("at").rename_axis(None)


def _without_effect(rows: pd.DataFrame) -> pd.DataFrame:
    means, events = rows[["mean_1", "mean_2"]].notna().all(axis=1), rows[["events_1", "events_2"]].notna().any(axis=1)
    sizes = rows[["n_1", "n_2"]].notna().all(axis=1)
    reason = np.select(
        [means & ~sizes, means, events],
        [
            "the means are printed without the arms' sizes",
            "the means are printed without their standard deviations",
            "the events are printed without the number of people",
        ],
        "no number was printed for it in the source read",
    )
    return pd.DataFrame(
        {
            "measure": "",
            "basis": "none",
            "yi": np.nan,
            "vi": np.nan,
            "vi_arm_2": np.nan,
            "print_reason": reason,
            "print_note": "",
        },
        index=rows.index,
    )


def _people(rows: pd.DataFrame, side: str) -> pd.Series:
    return rows[f"total_{side}"].where(
        rows["value_kind"].eq("event") & rows[f"total_{side}"].notna(), rows[f"n_{side}"]
    )


def _arm_data(rows: pd.DataFrame) -> list[str]:
    def arm(r: pd.Series, side: str) -> str:
        if pd.notna(r[f"events_{side}"]):
            return (
                f"{r[f'events_{side}']:g}/{r[f'total_{side}']:g}"
                if pd.notna(r[f"total_{side}"])
                else f"{r[f'events_{side}']:g}/?"
            )
        if pd.notna(r[f"mean_{side}"]):
            sd = f" ({r[f'sd_{side}']:.4g})" if pd.notna(r[f"sd_{side}"]) else ""
            return f"{r[f'mean_{side}']:.4g}{sd}"
        return ""

    pairs = [(arm(r, "1"), arm(r, "2")) for _, r in rows.iterrows()]
    return [f"{a} v {b}" if a and b else "" for a, b in pairs]


def _cluster_note(rows: pd.DataFrame) -> pd.Series:
    words = {
        "unknown": "cluster design: the interval may not account for it",
        "applied": "cluster design: variance inflated here by the design effect",
        "carried": "the printed standard error accounts for the clustering",
        "none": "",
    }
    return rows["clustering"].map(words)


def _joined(*parts: str) -> str:
    return "; ".join(p for p in parts if p)


def _statuses(out: pd.DataFrame, issues: pd.DataFrame, order: dict[str, int]) -> None:
    """Set `status` and `reason` in place; the first reason in this list stands."""
    reason = pd.Series("", index=out.index)

    def mark(rows: pd.Series, words: pd.Series | str) -> None:
        free = rows & reason.eq("")
        reason[free] = words[free] if isinstance(words, pd.Series) else words

    mark(out["randomised"].eq("no"), "not a randomised trial")
    mark(out["randomised"].eq("unclear"), "whether it was randomised could not be read in the source")
    printed = out["basis"].isin(PRINTED)
    # an unadjusted printed SMD was computed from the same arm values
    from_arms = ~printed | (out["basis"].eq("reported") & out["measure"].eq("SMD"))
    for target, touched in (("row", True), ("reported", printed), ("arms", from_arms)):
        words = _issue_words(out, issues, target)
        mark(words.ne("") & touched, words)
    mark(*_second_report(out, order, reason.eq("") & out["basis"].ne("reference_sd")))
    mark(
        out["basis"].eq("reference_sd"),
        "no SD published: only in the sensitivity analysis with the instrument's reference SD",
    )
    out["status"] = np.where(reason.ne(""), "excluded", "ok")
    out["vi"] = out["vi"].where(out["vi"].gt(0))
    missing = out["yi"].isna() | out["vi"].isna()
    out.loc[missing & reason.eq(""), "status"] = "not_computable"
    reason[missing & reason.eq("")] = out["print_reason"].replace("", "its variance is not above zero")
    out["reason"] = reason


def _issue_words(out: pd.DataFrame, issues: pd.DataFrame, target: str) -> pd.Series:
    chosen = issues[issues["severity"].eq("exclude") & issues["applies_to"].eq(target)]
    words = chosen.groupby(["source", "row_id"])["evidence"].agg("; ".join)
    return pd.Series(
        [words.get((s, r), "") for s, r in zip(out["source"], out["row_id"], strict=True)], index=out.index
    )


def _second_report(out: pd.DataFrame, order: dict[str, int], usable: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Effects of a trial that a preferred delivery gives already (`usable`), in the same outcome and measure.

    The report that is certainly of the trial comes first, then the order of the deliveries.
    """
    rank = (out["source"].map(order) + len(order) * ~out["certain"]).where(out["yi"].notna() & out["vi"].notna())
    key = [out["trial_id"], out["outcome"], out["measure"]]
    later = rank.gt(rank.where(usable).groupby(key).transform("min"))
    names = (
        (out["source"] + ", " + out["study"])
        .where(~later & usable & rank.notna())
        .groupby(key)
        .transform("first")
        .fillna("")
    )
    return later, "taken from " + names + ": a trial enters once"
