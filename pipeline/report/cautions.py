"""Sentences that qualify a result: how far it holds, what the trials tested, what their design leaves open."""

from __future__ import annotations

import pandas as pd

from pipeline.report import format as f
from pipeline.report.phrases import count_word, excludes_null, inner, part_of, sentence, trials
from pipeline.report.results import Content, Evidence
from pipeline.vocabulary import PooledModel

SUPPORT = ("Support programme", "Support group")
"""Contents that the word 'peer support' already says."""
_HEADLINE = ("main", "common_effect", "pi_k2")
WAITLIST = (
    "Comparisons with a waiting list tend to show larger effects than comparisons with usual care: people who wait "
    "for help may improve less than they would otherwise."
)


def fragility(e: Evidence) -> str:
    """Where a result that excludes no difference does not hold: other choices, one trial left out; '' if it does."""
    est, others = e.estimate, _other_analyses(e)
    if est is None or not (f.known(est.ci_lb) and f.known(est.ci_ub)) or others.empty:
        return ""
    if not excludes_null(e.question, est.ci_lb, est.ci_ub):
        return ""
    lost = others[[not excludes_null(e.question, r.shown_ci_lb, r.shown_ci_ub) for r in others.itertuples()]]
    if lost.empty:
        return ""
    (gone, choices), (all_gone, all_choices) = _split(lost), _split(others)
    parts = [f"in {part_of(choices, all_choices)} analyses with other choices"] if choices else []
    if gone:
        parts.append(
            "whichever trial is left out"
            if gone == all_gone
            else f"in {part_of(gone, all_gone)} with one trial left out"
        )
    return f"It does not hold up everywhere: the interval includes no difference {', and '.join(parts)}."


def _split(rows: pd.DataFrame) -> tuple[int, int]:
    """How many leave one trial out, and how many choose otherwise."""
    left_out = int(rows["analysis"].eq("leave_one_out").sum())
    return left_out, len(rows) - left_out


def tested(e: Evidence) -> str:
    """'Two of the four trials, with 76% of the weight, tested ...'; '' where the name of the question says it."""
    q = e.question
    special = [c for c in q.content if c.label not in SUPPORT and c.label != q.intervention_label]
    by = " delivered by peers" if q.kind == "peer_support" else ""
    parts = [f"{_of(c.trials, q.k)}{_weight(c, q.k)} tested {content_name(c)}{by}" for c in special]
    return sentence("; ".join(parts)) if parts else ""


def content_name(c: Content) -> str:
    """The content with its article and without an unexplained abbreviation."""
    name = inner(c.label).replace("CBT", "cognitive behavioural therapy (CBT)")
    return f"a {name}" if name.endswith(("programme", "group")) else name


def contents(e: Evidence) -> str:
    """Every content with its trials and weight, for a table."""
    some = len(e.question.content) > 1
    return "; ".join(
        f"{inner(c.label)} ({trials(c.trials)}"
        + (f", {f.percent(c.weight)} of the weight" if some and f.known(c.weight) else "")
        + ")"
        for c in e.question.content
    )


def clusters(e: Evidence) -> str:
    """Which trials may have intervals that are too narrow, and which rows show what that does; '' for none."""
    names = e.used.loc[e.used["clustering"] == "unknown", "study"].drop_duplicates().tolist()
    if not names:
        return ""
    who = f"{', '.join(names)} {'was' if len(names) == 1 else 'were'}"
    interval = "its interval" if len(names) == 1 else "their intervals"
    text = f"{who} randomised by cluster, or may have been; {interval} may not account for that and may be too narrow"
    rows = e.pooled[e.pooled["analysis"].isin(("no_unknown_clusters", "cluster_deff"))]
    labels = "\u201d and \u201c".join(rows["label"])
    return sentence(text + (f" (see \u201c{labels}\u201d under Other choices)" if labels else ""))


def waitlist(e: Evidence) -> str:
    return WAITLIST if e.question.comparator == "waitlist" and e.estimate is not None else ""


def _other_analyses(e: Evidence) -> pd.DataFrame:
    """Rows of POOLED that answer the question with another choice: sensitivity analyses, and those with one trial left
    out. A variant of the prediction interval alone has the headline's own interval and is none; a mean with small-study
    effects allowed for answers another question."""
    names = e.pooled["analysis"]
    kept = ~names.isin(_HEADLINE) & ~names.str.startswith("subgroup_") & e.pooled["shown_ci_lb"].notna()
    kept &= e.pooled["model"].ne(PooledModel.ADJUSTED)
    return e.pooled[kept]


def _of(n: int, k: int) -> str:
    """'Two of the four trials', 'both trials', 'the one trial'."""
    if n < k:
        return f"{count_word(n)} of the {trials(k)}"
    return {1: "the trial", 2: "both trials"}.get(k, f"all {trials(k)}")


def _weight(c: Content, k: int) -> str:
    return f", with {f.percent(c.weight)} of the weight," if k > c.trials and f.known(c.weight) else ""
