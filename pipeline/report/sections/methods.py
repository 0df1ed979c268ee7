"""How it was done, adapted to what was done at this number of trials; choices, references, glossary,
reproducibility."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.book import Block, Column, DataTable, Heading, Paragraph, References, Terms, Text
from pipeline.report.glossary import terms_for
from pipeline.report.links import linked
from pipeline.report.references import SOURCES
from pipeline.report.results import Evidence

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
_DIRECTION = (
    "Effects are kept in their natural direction (positive: higher value with {x}); which "
    "side is favoured is computed from that sign and "
    "from which end of the outcome is good."
)
_MEAN = "The mean is a random-effects mean; as computed for this question: {method}. "
_MEAN_PARTS = (
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
    "Heterogeneity is described by tau\u00b2 with its Q-profile interval (Viechtbauer 2007), "
    "by Cochran's Q and by I\u00b2 computed from tau\u00b2 "
    "(Higgins and Thompson 2002). The prediction interval says where the true effect of a "
    "new programme may lie (Higgins 2009; Riley 2011; "
    "Partlett and Riley 2017); it is a headline from {headline} trials, a warning below."
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
        "the regression test named in its table "
        "(Egger 1997; Peters 2006).",
        ("Peters 2008", "Egger 1997", "Peters 2006"),
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
    out: list[_Cited] = [(_SELECTION, ())]
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
    spread = _SPREAD.format(headline=phrases.count_word(e.question.headline_prediction_from_k))
    out: list[_Cited] = [(mean, tuple(key for _, keys in parts for key in keys)), (spread, _SPREAD_SOURCES)]
    small_study = e.tests["done"] & ~e.tests["test"].str.startswith("subgroup_")
    return [*out, _ASYMMETRY[e.question.measure == "SMD"]] if small_study.any() else out
