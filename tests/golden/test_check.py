"""The comparison itself: a right answer passes, each kind of wrong answer is seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.golden.check import compare, run
from tests.golden.test_gold import CASES

CASE = {
    "tol": 1e-8,
    "tol_keys": {"loose": 1e-2},
    "output": {"a": 1.0, "loose": 1.0, "v": [1.0, None, "Infinity"], "one": [2.0], "names": ["x", "y"], "flag": True},
}
RIGHT = {"a": 1.0, "loose": 1.009, "v": [1.0, math.nan, math.inf], "one": 2.0, "names": ["x", "y"], "flag": True}


def test_a_right_answer_passes() -> None:
    assert compare(CASE, RIGHT)[0] == []
    assert compare(CASE, RIGHT | {"one": np.array([2.0]), "a": np.float64(1 + 5e-9)})[0] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"a": 1 + 2e-8}, "a"),
        ({"a": None}, "a"),
        ({"loose": 1.02}, "loose"),
        ({"v": [1.0, 0.0, math.inf]}, "v[1]"),
        ({"v": [1.0, math.nan, 9e9]}, "v[2]"),
        ({"v": [1.0, math.nan]}, "v"),
        ({"names": ["x", "z"]}, "names[1]"),
        ({"flag": False}, "flag"),
    ],
)
def test_a_wrong_answer_is_seen(change: dict[str, object], path: str) -> None:
    assert [w.path for w in compare(CASE, RIGHT | change)[0]] == [path]


def test_an_absent_answer_is_seen() -> None:
    assert [(w.path, w.why) for w in compare(CASE, {k: v for k, v in RIGHT.items() if k != "a"})[0]] == [
        ("a", "absent")
    ]


def test_missing_and_error_are_told_apart() -> None:
    def fails(case: dict[str, object]) -> dict[str, object]:
        raise ValueError("no")

    folder = next(iter(CASES.values())).parent
    found = {o.status for o in run(folder, {"egger": fails})}
    assert found == {"ERROR", "MISSING"}
