"""`python -O` removes assert statements: no check of data may be one."""

import ast

import pytest
from made import ROOT


def asserts(code: str) -> list[int]:
    return [node.lineno for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assert)]


def test_the_search_finds_one():
    assert asserts("x = 1\nif x:\n    assert x, 'no'\n") == [3]


@pytest.mark.parametrize("folder", ["pipeline", "notebooks"])
def test_there_is_none(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files or folder != "pipeline"
    found = {f.relative_to(ROOT).as_posix(): asserts(f.read_text(encoding="utf-8")) for f in files}
    assert not {file: lines for file, lines in found.items() if lines}
