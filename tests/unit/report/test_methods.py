"""The methods section says what was computed for this report, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from pipeline.report import load
from pipeline.report.book import Paragraph, References
from pipeline.report.glossary import terms_for
from pipeline.report.results import Evidence
from pipeline.report.sections import methods
from pipeline.vocabulary import PooledModel


@pytest.fixture
def plain(results: Path) -> Evidence:
    e = load(results, "k12")
    return dataclasses.replace(e, pooled=e.pooled[e.pooled["model"].ne(PooledModel.ADJUSTED)])


def with_adjusted(e: Evidence, *analyses: str) -> Evidence:
    main = e.analysis("main")
    rows = [main.assign(analysis=name, model=PooledModel.ADJUSTED) for name in analyses]
    return dataclasses.replace(e, pooled=pd.concat([e.pooled, *rows], ignore_index=True))


def said(e: Evidence) -> str:
    return " ".join(str(b.text) for b in methods.methods(e) if isinstance(b, Paragraph))


def cited(e: Evidence) -> str:
    return " ".join(str(i) for b in methods.references(e) if isinstance(b, References) for i in b.items)


@pytest.mark.parametrize(
    ("done", "named", "not_named"),
    [
        ((), (), ("trim and fill", "PET-PEESE", "limit meta-analysis", "a selection model")),
        (("trim_and_fill",), ("trim and fill (Duval",), ("PET-PEESE", "limit meta-analysis", "a selection model")),
        (("limit", "selection"), ("limit meta-analysis", "and a selection model"), ("trim and fill", "PET-PEESE")),
    ],
)
def test_only_the_adjustments_that_were_made_are_named(
    plain: Evidence, done: tuple[str, ...], named: tuple[str, ...], not_named: tuple[str, ...]
) -> None:
    text = said(with_adjusted(plain, *done))
    assert all(word in text for word in named)
    assert not any(word in text for word in not_named)


def test_a_refused_selection_model_is_not_cited(plain: Evidence) -> None:
    assert "Vevea" not in cited(with_adjusted(plain, "trim_and_fill"))
    assert "Vevea" in cited(with_adjusted(plain, "selection"))


def test_the_adjustments_are_explained_where_they_are_shown(plain: Evidence) -> None:
    assert "Trim and fill" not in str(terms_for(plain))
    assert "Trim and fill" in str(terms_for(with_adjusted(plain, "limit")))
