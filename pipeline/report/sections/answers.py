"""The first page of the funder summary: what is known, what is not, and how far it can be trusted, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.report import cautions, phrases, verdict, wording
from pipeline.report import format as f
from pipeline.report.book import Block, Bullets, Heading, Paragraph, Run, Text
from pipeline.report.results import Evidence
from pipeline.report.sections.context import is_cbt, not_equivalent
from pipeline.report.sections.opening import IS_PEER

All = Sequence[Evidence]
NOT_KNOWN = "Not known."
GROUP_CBT, USUAL_CARE = "group_cbt", "usual_care"
DEVIATION = "A standard deviation is how far people usually lie from their average."
WHY_NOT = (
    "To call one as good as the other, someone has to say how much worse would still be acceptable (a margin) and "
    "give a source for it. No margin has been entered here, so there is no verdict."
)


def answers(every: All) -> tuple[Text, ...]:
    """Six short points, each derived from the results."""
    peer = of_peers(every)
    points = [
        _point("In favour of peer support", _named(peer, verdict.BETTER, True), "nothing"),
        _point("Against peer support", _named(peer, verdict.WORSE, True), "nothing"),
        _point(
            "Borderline",
            _named(peer, verdict.BORDERLINE, True),
            "",
            " Their numbers reach almost exactly no difference.",
        ),
        _point("Different, but neither end is better in itself", _named(peer, verdict.DIFFERENT, True)),
        _point("The trials cannot tell", _named(peer, verdict.OPEN), "", " Peer support may help, harm or do neither."),
        _point("No usable trial", _named(peer, verdict.NONE)),
        (Run("As good as group CBT (cognitive behavioural therapy)? ", bold=True), f"{NOT_KNOWN} See below."),
        (
            Run("How far to trust this: ", bold=True),
            f"nobody has judged yet how certain the evidence is, and {f.count(len(peer))} questions were asked "
            "without a correction for asking many: some may look real by chance.",
        ),
    ]
    return tuple(p for p in points if p)


def group_cbt(every: All) -> list[Block]:
    """The comparison with group CBT, which readers ask for first."""
    rows = published_rows(every)
    rows = rows[[is_cbt(r) for r in rows.itertuples()]] if len(rows) else rows
    said = " ".join([_direct(every), *(not_equivalent(r) for r in rows.itertuples())])
    explained = f" {DEVIATION}" if "standard deviations" in said else ""
    blocks: list[Block] = [
        Heading("Is peer support as good as group CBT?"),
        Paragraph((Run(f"{NOT_KNOWN} ", bold=True), f"{said} {WHY_NOT}{explained}")),
    ]
    spread = _spread(every)
    return [*blocks, Paragraph(spread)] if spread else blocks


def how_sure(every: All) -> list[Block]:
    """What is known about the certainty, and the limits."""
    peer = of_peers(every)
    answered = [e for e in peer if e.estimate is not None]
    used = sum(e.question.k for e in answered)
    unrated = sum(int((e.used["rob"] == "not_assessed").sum()) for e in answered)
    few = sum(e.question.k <= 2 for e in answered)
    items: list[Text] = [
        f"{_of(few, len(answered))} with a usable trial rest on one or two trials: nobody can tell from these "
        "whether a result repeats elsewhere.",
        f"For {f.count(unrated)} of the {f.count(used)} trial results behind these answers, the risk of bias (features "
        "of a trial that could distort its result) was not judged.",
        "Many numbers were read in abstracts and review tables, not in full reports. Each technical report lists the "
        "issues found in its data.",
        "People whom the source names as peers count as peers; lay workers, volunteers and mentors without stated "
        "lived experience do not, also where that leaves no trial.",
        "A change from before to after without a comparison group is not evidence of an effect and is not used.",
    ]
    if any(cautions.waitlist(e) for e in peer):
        items.append(cautions.WAITLIST)
    return [Heading("How sure are we, and what are the limits?"), Bullets(tuple(items))]


def of_peers(every: All) -> list[Evidence]:
    """The questions about peer support, without those asked for context."""
    return [e for e in every if e.question.kind == IS_PEER]


def published_rows(every: All) -> pd.DataFrame:
    """Every published result that a question quotes, once."""
    frames = [e.published for e in every if len(e.published)]
    return pd.concat(frames, ignore_index=True).drop_duplicates("id") if frames else pd.DataFrame()


def _point(lead: str, found: list[str], none: str = "", after: str = "") -> Text | None:
    """'Lead (three): outcome; outcome.'; None where there is neither a question nor a word for that."""
    if not found:
        return (Run(f"{lead}: ", bold=True), f"{none}.") if none else None
    return (Run(f"{lead} ({phrases.count_word(len(found))}): ", bold=True), f"{'; '.join(found)}.{after}")


def _named(peer: list[Evidence], which: str, with_trials: bool = False) -> list[str]:
    """The outcomes with this verdict; the comparator is told where it is another than usual care."""
    names = []
    for e in (e for e in peer if verdict.verdict(e) == which):
        q = e.question
        about = [] if q.comparator == USUAL_CARE else [f"compared with {phrases.comparator(q)}"]
        about += [phrases.trials(q.k)] if with_trials else []
        names.append(phrases.subject(q) + (f" ({', '.join(about)})" if about else ""))
    return names


def _direct(every: All) -> str:
    """What the trials used here that compare the two directly show."""
    direct = [e for e in of_peers(every) if e.question.comparator == GROUP_CBT and e.estimate is not None]
    if not direct:
        return "No trial used here compares peers with group CBT directly."
    return " ".join(
        f"{wording.effect_sentence(e)} {wording.interval_sentence(e.question, e.estimate, e.places)}"
        for e in direct
        if e.estimate is not None
    )


def _spread(every: All) -> str:
    """Where a new programme of group CBT may land by its own trials, with the warning not to compare; '' for none."""
    parts = []
    for e in (e for e in every if e.question.kind != IS_PEER):
        q, est = e.question, e.estimate
        if est is not None and f.known(est.pi_lb) and f.known(est.pi_ub):
            limits = f.interval(est.pi_lb, est.pi_ub, q.measure, e.places)
            parts.append(f"from {limits} {q.measure} compared with {phrases.comparator(q)} ({phrases.trials(est.k)})")
    if not parts:
        return ""
    names = " or ".join(dict.fromkeys(phrases.intervention(e.question) for e in every if e.question.kind != IS_PEER))
    text = (
        f"For context only: in trials of {names} not known to be given by peers, the true result of a new programme "
        f"may lie anywhere {'; '.join(parts)} (95% prediction intervals). These trials had other people and other "
        "comparators, so their numbers must not be set against those of peer support."
    )
    return text.replace(" SMD ", " standard deviations ")


def _of(n: int, total: int) -> str:
    return phrases.sentence(f"{phrases.part_of(n, total).replace(' of ', ' of the ')} questions").rstrip(".")
