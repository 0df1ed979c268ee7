"""How it was done, adapted to what was done at this number of trials; choices, references, glossary,
reproducibility."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.book import Block, Column, DataTable, Heading, Paragraph, References, Terms, Text
from pipeline.report.glossary import terms_for
from pipeline.report.links import linked
from pipeline.report.references import SOURCES
from pipeline.report.results import Evidence
from pipeline.vocabulary import PooledModel

_Cited = tuple[str, tuple[str, ...]]
_MEASURES: dict[str, _Cited] = {
    "SMD": (
        "Effects are standardised mean differences: the difference of the two groups' means in "
        "standard deviations, with Hedges' "
        "correction for small samples (Hedges 1981). A difference adjusted for baseline may stand among them when it "
        "is standardised by the spread of end-point scores; one standardised by the spread of changes is not pooled "
        "with them.",
        ("Hedges 1981",),
    ),
    "MD": ("Effects are differences of means in the units of the scale.", ()),
    "RD": ("Effects are differences of the two groups' risks.", ()),
}
_RATIO = (
    "Effects are ratios ({label}), analysed as logarithms and shown as ratios. Odds, risk, "
    "rate and hazard ratios are never pooled "
    "with each other (Deeks 2002).",
    ("Deeks 2002",),
)
_SELECTION = (
    "Each trial enters once: one comparison, one instrument and one time, chosen by rules that do not "
    "look at the results (see the table of choices). Reports of one trial in several sources were linked first. "
    "A result enters only if the supporters, the comparator, the outcome and the time are those of the question."
)
_SEVERAL = (
    "Where trials give several measurements of the outcome within the time window, all of them enter the mean. "
    "Those of one trial are taken to hang together (correlation of their errors assumed, see the table of "
    "choices), true effects may differ between trials and within them (Pustejovsky and Tipton 2022), and the "
    "interval of the mean is one that stays about right when these assumptions are not (cluster-robust CR2 errors"
    " with Satterthwaite degrees of freedom: Bell and McCaffrey 2002; Tipton 2015). The figures, subgroups, "
    "moderators, influence and small-study analyses take one effect per trial: the measurement nearest in time, "
    "chosen by rules that do not look at the results. Reports of one trial in several sources were linked first. "
    "A result enters only if the supporters, the comparator, the outcome and the time are those of the question."
)
_DIRECTION = (
    "Effects are kept in their natural direction (positive: higher value with {x}); which "
    "side is favoured is computed from that sign and "
    "from which end of the outcome is good."
)
_MEAN = "The mean is a random-effects mean; as computed for this question: {method}. "
_MEAN_PARTS = (
    (
        "correlated and hierarchical",
        "tau\u00b2 is the sum of the variance between trials and within them. ",
        (),
    ),
    (
        "REML",
        "The between-trial variance tau\u00b2 is estimated by restricted maximum likelihood (Viechtbauer 2005). ",
        ("Viechtbauer 2005",),
    ),
    (
        "Hartung-Knapp",
        "The interval follows Hartung and Knapp (2001) and Sidik and Jonkman (2002); its coverage is closer to "
        "nominal with few trials than that of a normal interval, less so when the trials differ much in size "
        "(IntHout 2014). ",
        ("Hartung and Knapp 2001", "Sidik and Jonkman 2002", "IntHout 2014"),
    ),
    (
        "factor at least 1",
        "Its scaling factor is not allowed below one, because the interval could otherwise be too narrow by chance "
        "(R\u00f6ver 2015).",
        ("R\u00f6ver 2015",),
    ),
)
"""Word in the method of the row `main`, the sentence it calls for, and what that cites."""
_SPREAD = (
    "Heterogeneity is described by tau\u00b2{profile}, "
    "by Cochran's Q and by I\u00b2 computed from tau\u00b2 "
    "(Higgins and Thompson 2002). The prediction interval says where the true effect of a "
    "new programme may lie (Higgins 2009; Riley 2011; "
    "Partlett and Riley 2017); it is a headline from {headline} trials, a warning below. With few trials it "
    "misses the effect of a new programme more often than one time in twenty."
)
_ASYMMETRY: dict[bool, _Cited] = {
    True: (
        "Small-study effects were examined with a contour-enhanced funnel plot (Peters 2008) and "
        "a regression test (Egger 1997) in the form "
        "named in its table; for standardised mean differences the predictor is the square root "
        "of 1/n\u2081 + 1/n\u2082, because an SMD and its own "
        "standard error are related without any bias (Pustejovsky and Rodgers 2019).",
        ("Peters 2008", "Egger 1997", "Pustejovsky and Rodgers 2019"),
    ),
    False: (
        "Small-study effects were examined with a contour-enhanced funnel plot (Peters 2008) and "
        "a regression test on the standard error (Egger 1997).",
        ("Peters 2008", "Egger 1997"),
    ),
}
_INFLUENCE: _Cited = (
    "The influence of single trials was examined by leaving each out, by residuals from the mean of the others, by "
    "Cook\u2019s distance (Viechtbauer and Cheung 2010) and by each trial\u2019s share of Cochran\u2019s Q "
    "(Baujat 2002).",
    ("Viechtbauer and Cheung 2010", "Baujat 2002"),
)
_MODERATORS: _Cited = (
    "Characteristics of the trials were examined by meta-regression, one at a time, with a permutation test (Higgins "
    "and Thompson 2004).",
    ("Higgins and Thompson 2004",),
)
_ADJUSTMENTS: dict[str, tuple[str, str]] = {
    "trim_and_fill": ("trim and fill", "Duval and Tweedie 2000"),
    "pet_peese": ("PET-PEESE regression to an infinitely precise trial", "Stanley and Doucouliagos 2014"),
    "limit": ("limit meta-analysis", "R\u00fccker 2011"),
    "selection": (
        "a selection model in which trials without p < .025 in the good direction are seen less or more often",
        "Vevea and Hedges 1995",
    ),
}
_FEW = {
    "common": "With two trials the variance between them cannot be estimated usefully, so both are shown and a "
    "common-effect line (inverse variance, normal interval) is added.",
    "single": "With one trial nothing is pooled: the number shown is that trial's, with its normal interval.",
}
_PUBLISHED = (
    "Published pooled results are quoted; a claim that two treatments are equivalent would need a margin "
    "(Piaggio 2012)."
)
_NOT_DIRECT = " No trial used here compares peers with group CBT directly."
_SPREAD_SOURCES = (
    "Viechtbauer 2007",
    "Higgins and Thompson 2002",
    "Higgins 2009",
    "Riley 2011",
    "Partlett and Riley 2017",
)
_GRADE = (
    "How certain the evidence is has not been judged by GRADE (Guyatt 2008), so no wording here claims more "
    "certainty than the intervals show."
)


def methods(e: Evidence) -> list[Block]:
    """Short paragraphs on what was done."""
    return [Heading("Methods"), *(Paragraph(text) for text, _ in _paragraphs(e))]


def choices(e: Evidence) -> list[Block]:
    """Every analytic choice with its reason."""
    if not e.question.choices:
        return []
    columns = (Column("Choice", 1.3), Column("Value", 3.0), Column("Why", 2.4))
    rows = tuple((c.choice, f.true_minus(c.value), c.why) for c in e.question.choices)
    return [Heading("Choices", 2), DataTable(columns, rows, "Analytic choices, set in the parameter file")]


def references(e: Evidence) -> list[Block]:
    """The sources of the methods that this report cites."""
    cited = dict.fromkeys(key for _, keys in _paragraphs(e) for key in keys)
    items: tuple[Text, ...] = tuple(linked(text) for text in sorted(SOURCES[key] for key in cited))
    return [Heading("References of the methods"), References(items)]


def glossary(e: Evidence) -> list[Block]:
    """The terms used in this report, for a reader new to them."""
    return [Heading("Words used here"), Terms(terms_for(e))]


def _paragraphs(e: Evidence) -> list[_Cited]:
    """Each paragraph with the sources it cites."""
    q, est = e.question, e.estimate
    ratio = (_RATIO[0].format(label=phrases.inner(q.measure_label)), _RATIO[1])
    measure = ratio if q.is_ratio else _MEASURES[q.measure]
    cited = ("Pustejovsky and Tipton 2022", "Bell and McCaffrey 2002", "Tipton 2015")
    out: list[_Cited] = [(_SEVERAL, cited) if e.together else (_SELECTION, ())]
    if est is not None:
        out.append((f"{measure[0]} {_DIRECTION.format(x=phrases.intervention(q))}", measure[1]))
        out += _pooling(e) if est.kind == "mean" else [(_FEW[est.kind], ())]
    if not e.published.empty:
        direct = "" if q.comparator == "group_cbt" else _NOT_DIRECT
        out.append((_PUBLISHED + direct, ("Piaggio 2012",)))
    return [*out, (_GRADE, ("Guyatt 2008",))]


def _pooling(e: Evidence) -> list[_Cited]:
    """What was done with three trials or more, as the row `main` says it was done."""
    method = str(e.analysis("main").iloc[0].method)
    parts = [(text, keys) for word, text, keys in _MEAN_PARTS if word in method]
    mean = _MEAN.format(method=method) + "".join(text for text, _ in parts)
    profile = "" if e.together else " with its Q-profile interval (Viechtbauer 2007)"
    spread = _SPREAD.format(headline=phrases.count_word(e.question.headline_prediction_from_k), profile=profile)
    sources = tuple(key for key in _SPREAD_SOURCES if key.split(" 2")[0] in spread)
    out: list[_Cited] = [(mean, tuple(key for _, keys in parts for key in keys)), (spread, sources)]
    done = e.tests.loc[e.tests["done"], "test"]
    out += [_INFLUENCE] if len(e.influence) else []
    out += [_MODERATORS] if done.str.startswith("moderator_").any() else []
    out += [] if done.str.match("subgroup_|moderator_").all() else [_ASYMMETRY[e.question.measure == "SMD"]]
    adjusted = e.pooled.loc[e.pooled["model"].eq(PooledModel.ADJUSTED), "analysis"]
    return out if adjusted.empty else [*out, _adjusted(adjusted)]


def _adjusted(analyses: Iterable[str]) -> _Cited:
    """The ways in which this report allows for small-study effects."""
    ways = [_ADJUSTMENTS[name] for name in analyses]
    named = phrases.listed([f"{words} ({source})" for words, source in ways], "and")
    return f"The mean was also computed allowing for small-study effects: {named}.", tuple(s for _, s in ways)
