"""Each row of each table of methods names the outside number behind it, and that number is met.

A table is any module-level dict in capitals of `pipeline.meta`: a new one cannot be forgotten here.
"""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path

import pytest

import pipeline.meta
from tests.golden.adapter import ADAPTERS, ROOMS
from tests.golden.check import compare
from tests.golden.test_gold import CASES

ROOT = Path(__file__).parents[2]


def tables() -> dict[str, Mapping[str, object]]:
    """Every table of methods in `pipeline.meta`, by name."""
    found = {}
    for module in pkgutil.walk_packages(pipeline.meta.__path__, "pipeline.meta."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and not name.startswith("_") and isinstance(value, Mapping):
                assert found.setdefault(name, value) is value, f"two tables are called {name}"
    return found


TABLES = tables()
NUMBERS = {table: rows for room in ROOMS for table, rows in room.NUMBERS.items()}


def test_no_room_covers_another_rooms_table() -> None:
    assert sum(len(room.NUMBERS) for room in ROOMS) == len(NUMBERS)


def test_every_table_is_covered() -> None:
    assert set(NUMBERS) == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_a_number(table: str) -> None:
    assert set(NUMBERS.get(table, {})) == set(TABLES[table])


@pytest.mark.parametrize(("table", "row"), [(t, r) for t, rows in NUMBERS.items() for r in rows])
def test_the_number_is_met(table: str, row: str) -> None:
    number = NUMBERS[table][row]
    if "::" in number:  # a test of this suite, which runs by itself: it must exist
        file, name = number.split("::", 1)
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    else:
        case = json.loads(CASES[number].read_text())
        wrong, _ = compare(case, ADAPTERS[case["fn"]](case["input"]))
        assert not wrong, wrong[:3]
