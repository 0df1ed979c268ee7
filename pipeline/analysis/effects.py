"""EFFECTS: every contrast of every delivery with a status. A row that cannot be used stays, with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.clustering import settle_clustering
from pipeline.analysis.computed import EffectParams, from_arms
from pipeline.analysis.contrasts import contrasts
from pipeline.analysis.direction import scale_signs
from pipeline.analysis.printed import from_print
from pipeline.analysis.reports import rank_reports, share_facts
from pipeline.codebook import Codebook
from pipeline.tables import EFFECTS, REPORTED, STUDY_ARMS, conform

PRINTED = ["reported", "reported_adjusted", "reference_sd"]
REPORTED_ONLY = [
    c for c in REPORTED.columns if c not in STUDY_ARMS.columns and c not in (*REPORTED.key, "arm_1", "arm_2")
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
    rows = _with_trial(rows, studies, links)
    found = pd.concat([_computed(rows, book, params), _printed(rows, book)])
    lone = rows.index.difference(found.index)
    found = pd.concat([found, _without_effect(rows.loc[lone])])
    out = found.join(rows.assign(n_1=_people(rows, "1"), n_2=_people(rows, "2"))).reset_index(drop=True)
    out = settle_clustering(out)
    out["in_change"] = _in_change(out, book)
    out["source_rows"] = out["row_id"]
    out["effect_id"] = (
        out["source"] + ":" + out["row_id"] + ":" + out["measure"].replace("", "none") + ":" + out["basis"]
    )
    out["n"] = (out["n_1"] + out["n_2"]).fillna(out["n_total"])
    out["arm_data"] = _arm_data(out)
    out["risk_2"] = (out["events_2"] / out["total_2"]).where(out["total_2"].gt(0))
    out["note"] = [_joined(a, b) for a, b in zip(out["print_note"], _cluster_note(out), strict=True)]
    _statuses(out, issues)
    return conform(out[list(EFFECTS.columns)], EFFECTS, "effects")


def _with_trial(rows: pd.DataFrame, studies: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Add what is known of the study and of its trial; the row's own reference stands."""
    key = ["source", "study_id"]
    about = studies[[*key, "study", "year", "randomised", "rob", "cluster"]]
    out = rows.merge(about, on=key, validate="many_to_one")
    out = out.merge(links[[*key, "trial_id", "certain"]], on=key, validate="many_to_one")
    out["report_rank"] = rank_reports(out, {s: i for i, s in enumerate(dict.fromkeys(studies["source"]))})
    return share_facts(out)


def _in_change(out: pd.DataFrame, book: Codebook) -> pd.Series:
    """SMDs over the spread of changes: computed from changes, or printed without adjustment beside them.

    An adjusted difference in differences over an end-point SD is in end-point units and is not one of them.
    """
    changes = out["value_kind"].eq("change") & out["basis"].isin(["change", "reported"])
    kinds = [book.effect_types.get(t) if isinstance(t, str) else None for t in out["effect_type"]]
    printed = [k is not None and k.is_difference_in_change and not k.adjusted for k in kinds]
    return out["measure"].eq("SMD") & (changes | (pd.Series(printed, index=out.index) & out["basis"].eq("reported")))


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


def _statuses(out: pd.DataFrame, issues: pd.DataFrame) -> None:
    """Set `status`, `reason_code` and `reason` in place; the first reason in this list stands."""
    reason, code = pd.Series("", index=out.index), pd.Series("", index=out.index)

    def mark(rows: pd.Series, word: str, words: pd.Series | str) -> None:
        free = rows & code.eq("")
        code[free] = word
        reason[free] = words[free] if isinstance(words, pd.Series) else words

    mark(out["randomised"].eq("no"), "not_randomised", "not a randomised trial")
    mark(out["randomised"].eq("unclear"), "not_randomised", "whether it was randomised could not be read in the source")
    printed = out["basis"].isin(PRINTED)
    # an unadjusted printed SMD was computed from the same arm values
    from_arms = ~printed | (out["basis"].eq("reported") & out["measure"].eq("SMD"))
    for target, touched in (("row", True), ("reported", printed), ("arms", from_arms)):
        words = _issue_words(out, issues, target)
        mark(words.ne("") & touched, "check", words)
    mark(
        out["basis"].eq("reference_sd"),
        "reference_sd",
        "no SD published: only in the sensitivity analysis with the instrument's reference SD",
    )
    out["vi"] = out["vi"].where(out["vi"].gt(0))
    missing = out["yi"].isna() | out["vi"].isna()
    excluded = code.ne("")
    mark(missing, "not_computable", out["print_reason"].replace("", "its variance is not above zero"))
    out["status"] = np.select([excluded, missing], ["excluded", "not_computable"], "ok")
    out["reason_code"], out["reason"] = code, reason


def _issue_words(out: pd.DataFrame, issues: pd.DataFrame, target: str) -> pd.Series:
    chosen = issues[issues["severity"].eq("exclude") & issues["applies_to"].eq(target)]
    words = chosen.groupby(["source", "row_id"])["evidence"].agg("; ".join)
    return pd.Series(
        [words.get((s, r), "") for s, r in zip(out["source"], out["row_id"], strict=True)], index=out.index
    )
