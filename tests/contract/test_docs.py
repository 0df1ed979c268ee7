"""The documents say what the code and the data say.

Generated parts are compared with what `documents.py` would write. The rest is tested for names: every file, object,
column and parameter that a document names in backquotes must exist; every printed refusal must be real.
"""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from documents import DOCUMENTS, GENERATED, MARK, ROOT, renewed

from pipeline import codebook, tables
from pipeline.errors import BadInput
from pipeline.ingest import READERS, trial_table
from pipeline.schemas import TABLES
from pipeline.stages import validate

COMMAND = "python tests/contract/documents.py"


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_generated_parts_are_up_to_date(document: str) -> None:
    text = read(document)
    assert renewed(text) == text, f"stale: run  {COMMAND}"


def test_every_generated_part_has_its_place() -> None:
    placed = Counter(name for d in DOCUMENTS for _, name, _ in MARK.findall(read(d)))
    assert placed == dict.fromkeys(GENERATED, 1)


PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def is_there(token: str) -> bool:
    """Does a name in backquotes that claims to be a file, an object, a column or a parameter exist?"""
    if re.fullmatch(r"pipeline(\.\w+)+", token):
        return resolves(token)
    if match := re.fullmatch(r"([A-Z_]{3,})\.(\w+)", token):
        return match[1].lower() in TABLES and match[2] in TABLES[match[1].lower()].columns
    if match := re.fullmatch(r"((?:effects|synthesis|checks)\.[\w.]+)(?:: (.+))?", token):
        value: Any = PARAMS
        for key in match[1].split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value is not None and (match[2] is None or yaml.safe_load(match[2]) == value)
    if re.fullmatch(r"(pipeline|data/(raw|codebook)|tests|docs|notebooks)/[\w./-]+", token):
        return "my_trials" in token or (ROOT / token).exists()
    return True


def resolves(name: str) -> bool:
    module, rest = name, []
    while module:
        try:
            value = importlib.import_module(module)
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            continue
        for attribute in rest:
            value = getattr(value, attribute, None) or getattr(value, "__dataclass_fields__", {}).get(attribute)
        return value is not None
    return False


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_exist(document: str) -> None:
    text = MARK.sub("", read(document))
    assert [t for t in re.findall(r"`([^`\n]+)`", text) if not is_there(t)] == []
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


def test_a_wrong_name_is_seen() -> None:
    wrong = ("pipeline.meta.poling", "EFFECTS.yj", "synthesis.tau2: DL", "checks.smd_maximum", "pipeline/tabels.py")
    assert [is_there(t) for t in wrong] == [False] * len(wrong)


def test_the_columns_of_the_trial_table_are_all_described() -> None:
    part = read("docs/data.md").split("## The trial table")[1].split("\n## ")[0]
    named = re.findall(r"^\| (\d+) \| `(\w+)` \| (yes|no) \|", part, flags=re.M)
    shipped = tables.read_csv(ROOT / "data/raw/peer_support_trials/trials.csv")
    assert [name for _, name, _ in named] == list(shipped.columns)
    assert {name for _, name, need in named if need == "yes"} == {*trial_table.WORDS, *trial_table.NUMBERS}
    kinds = next(line for line in part.splitlines() if "| `mean_kind` |" in line)
    assert [word for word in trial_table.VALUE_KIND if word not in kinds] == []


def changed(folder: Path, row: str, column: str, value: str) -> Path:
    """A copy of the first delivery with one cell changed."""
    shutil.copytree(ROOT / "data/raw/peer_support_trials", folder)
    frame = tables.read_csv(folder / "trials.csv")
    frame.loc[frame["row_id"].eq(row), column] = value
    frame.to_csv(folder / "trials.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("row", "column", "value"), [("PS0006", "sd_int", "5,7"), ("PS0004", "comparator", "usual cre")]
)
def test_the_printed_refusals_are_real(tmp_path: Path, row: str, column: str, value: str) -> None:
    folder = changed(tmp_path / "my_trials", row, column, value)
    with pytest.raises(BadInput) as refused:
        READERS["trial_table"](folder, codebook.load(ROOT / "data/codebook"), "my_trials")
    assert str(refused.value) in read("docs/data.md")


def test_the_printed_stop_of_the_checks_is_real(tmp_path: Path) -> None:
    folder = changed(tmp_path / "my_trials", "PS0001", "events_int", "298")
    tidy = READERS["trial_table"](folder, codebook.load(ROOT / "data/codebook"), "my_trials")
    for name, frame in (("studies", tidy.studies), ("study_arms", tidy.arms), ("reported", tidy.reported)):
        tables.write(frame, TABLES[name], tmp_path / "tidy" / "my_trials" / f"{name}.csv")
    choices = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump(choices | {"sources": {"my_trials": {"reader": "trial_table"}}}), encoding="utf-8")
    at = Namespace(codebook=ROOT / "data/codebook", params=params, tidy=[tmp_path / "tidy"], out=None)
    with pytest.raises(SystemExit) as stopped:
        validate.main(at)
    assert str(stopped.value).strip() in read("docs/data.md")
