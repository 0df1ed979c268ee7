"""Result folders that are incomplete or contradict themselves are refused, by file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import simulated

from pipeline.errors import BadInput
from pipeline.report import load
from pipeline.report.identity import check_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    simulated.write(tmp_path, "q", 4)
    simulated.write_shared(tmp_path)
    return tmp_path


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "questions" / "q" / "question.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "questions" / "q" / "pooled.csv").unlink()
    with pytest.raises(BadInput, match=r"q/pooled\.csv"):
        load(folder, "q")


def test_k_must_be_the_number_of_trials_used(folder: Path) -> None:
    rewrite(folder, k=3)
    with pytest.raises(BadInput, match="not the number of rows used"):
        load(folder, "q")


def test_a_pool_without_its_main_row_is_refused(folder: Path) -> None:
    path = folder / "questions" / "q" / "pooled.csv"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if ",main," not in line))
    with pytest.raises(BadInput, match="no row 'main'"):
        load(folder, "q")


def test_a_missing_field_is_named(folder: Path) -> None:
    path = folder / "questions" / "q" / "question.json"
    content = json.loads(path.read_text())
    del content["better_is"]
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput, match="better_is"):
        load(folder, "q")


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "a" * 65, "-a", "a\n"])
def test_names_that_could_act_on_a_path_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        check_id(name, "params.yaml")
