"""Every gold case, against numbers computed in R at full precision (see the `call` of each case).

The cases are all of the reference's but those on networks and on people (`nma_*`, most of `ipd_*`).
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden.adapter import ADAPTERS
from tests.golden.check import compare
from tests.golden.differs import DIFFERS, NOT_COMPARED

ROOT = Path(__file__).parents[2]
CASES = {p.stem: p for p in sorted((Path(__file__).parent / "cases").glob("*.json"))}


def answered(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    case = json.loads(CASES[name].read_text())
    return case, ADAPTERS[case["fn"]](case["input"])


@pytest.mark.parametrize("name", CASES)
def test_gold(name: str) -> None:
    case, got = answered(name)
    known = DIFFERS[name].keys if name in DIFFERS else {}
    case["tol_keys"] = case.get("tol_keys", {}) | known
    wrong = [w for w in compare(case, got)[0] if known.get(w.path.split("[")[0]) != NOT_COMPARED]
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("name", DIFFERS)
def test_a_difference_is_there_and_proved(name: str) -> None:
    """A case that agrees, or whose proof is gone, does not belong in differs.py."""
    assert compare(*answered(name))[0]
    file, test = DIFFERS[name].proof.split("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


def test_every_adapter_has_a_case() -> None:
    asked = {json.loads(p.read_text())["fn"] for p in CASES.values()}
    assert set(ADAPTERS) == asked


def test_checker_sees_a_wrong_number() -> None:
    case, got = answered("rma_bcg_REML_knha")
    wrong, _ = compare(case, got | {"tau2": got["tau2"] * 1.00001})
    assert [w.path for w in wrong] == ["tau2"]
