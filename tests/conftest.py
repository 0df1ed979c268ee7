"""Small deliveries written by hand, and the published ones read once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made import ROOT, SOURCES, load_once, trial_rows, write_rows

from pipeline import errors
from pipeline.codebook import Codebook
from pipeline.ingest import READERS
from pipeline.ingest.tidy import Tidy
from pipeline.stages import effects as effects_stage
from pipeline.stages import ingest, link, validate


@pytest.fixture(scope="session")
def book() -> Codebook:
    return load_once(ROOT / "data" / "codebook")


@pytest.fixture
def read_trials(tmp_path: Path, book: Codebook) -> Callable[..., Tidy]:
    """read_trials(*changes, decisions=[...]) -> the delivery of these rows, read."""

    def read(*changes: Mapping[str, str], decisions: list[dict[str, str]] | None = None) -> Tidy:
        write_rows(tmp_path / "trials.csv", trial_rows(*changes))
        if decisions:
            write_rows(tmp_path / "decisions.csv", decisions)
        return READERS["trial_table"](tmp_path, book, "made")

    return read


@pytest.fixture
def refused() -> Callable[..., errors.Problem]:
    """refused(call, *args) -> the one problem that the call refuses its input with."""

    def of(call: Callable[..., Any], *args: Any, **words: Any) -> errors.Problem:
        with pytest.raises(errors.BadInput) as caught:
            call(*args, **words)
        problems = caught.value.problems
        assert len(problems) == 1, problems
        assert problems[0].fix, "a problem without a way to mend it"
        return problems[0]

    return of


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published deliveries through ingest, link, validate and effects; one folder for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real"
    try:
        out.mkdir()
    except FileExistsError:
        while not (out / "effects.csv").exists():
            if (out / "failed").exists():
                pytest.fail("the other worker could not make the effects: see its error")
            time.sleep(0.1)
        return out
    try:
        _make_effects(out)
    except BaseException:
        (out / "failed").touch()
        raise
    return out


def _make_effects(out: Path) -> None:
    at = {"codebook": ROOT / "data" / "codebook", "params": ROOT / "params.yaml"}
    folders = [out / "tidy" / source for source in SOURCES]
    for source, folder in zip(SOURCES, folders, strict=True):
        ingest.main(SimpleNamespace(source=source, raw=ROOT / "data" / "raw" / source, out=folder, **at))
    known = ROOT / "data" / "raw" / "trial_links.csv"
    link.main(SimpleNamespace(known=known, out=out / "links.csv", tidy=folders, **at))
    validate.main(SimpleNamespace(out=out / "issues.csv", tidy=folders, **at))
    tables = {"links": out / "links.csv", "issues": out / "issues.csv", "out": out / "effects.csv"}
    effects_stage.main(SimpleNamespace(tidy=folders, **tables, **at))
