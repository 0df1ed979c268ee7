"""Tables at every edge: what is read, what is refused, and that a write is whole or not at all."""

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.errors import BadInput
from pipeline.schemas.columns import FLAG, INTEGER, NUMBER, TEXT, Column, Table

MADE = Table(
    "made",
    ("key",),
    {
        "key": Column(TEXT, "name", required=True),
        "word": Column(TEXT, "one of two", allowed=("yes", "no")),
        "x": Column(NUMBER, "number", ge=0, le=10),
        "v": Column(NUMBER, "variance", gt=0),
        "k": Column(INTEGER, "count"),
        "on": Column(FLAG, "switch", required=True),
    },
)
ROW = {"key": "a", "word": "yes", "x": "1.5", "v": "2", "k": "3", "on": "true"}


def made(*changes):
    return pd.DataFrame([ROW | c for c in changes])


@pytest.fixture
def read(tmp_path):
    def of(data: bytes, sep=","):
        (tmp_path / "made.csv").write_bytes(data)
        return tables.read_csv(tmp_path / "made.csv", sep)

    return of


@pytest.mark.parametrize(
    ("data", "row", "says"),
    [
        (b"", None, "is empty"),
        (b" \n\n", None, "is empty"),
        (b"a,b\n1,2\n1\n", 3, "has 1 cells, the header 2"),
        (b"a,b\n1,2,3\n1,2,3\n", 2, "has 3 cells, the header 2"),
        (b"a,a\n1,2\n", 1, "stands twice"),
        (b"a,b\n1,2\n\xe9,4\n", 3, "is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "is not UTF-8"),
        (b"a,b\n1,2\nx\x00y,4\n", 3, "NUL"),
        (b'a,b\n1,"2\n3,4\n', 2, "not regular CSV"),
        (b'a,b\n"1"x,2\n', 2, "not regular CSV"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", 2, "field larger than"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_line(read, data, row, says):
    with pytest.raises(BadInput) as caught:
        read(data)
    problem = caught.value.problems[0]
    assert (problem.file, problem.row) == ("made.csv", row)
    assert says in problem.problem
    assert problem.fix


@pytest.mark.parametrize(
    "data", [b"a,b\n1,2\n", b"\xef\xbb\xbfa,b\r\n1,2\r\n", b'"a","b"\n\n"1","2"\n\n', b"a,b\r1,2\r"]
)
def test_the_ways_a_spreadsheet_saves_are_read_alike(read, data):
    assert read(data).to_dict("records") == [{"a": "1", "b": "2"}]


def test_cells_are_text_as_they_stand(read):
    assert read(b'a,b\nNA,"x, ""y""\nz"\n').to_dict("records") == [{"a": "NA", "b": 'x, "y"\nz'}]
    assert read(b"a,b\n").columns.tolist() == ["a", "b"]


def test_line_ends_inside_a_cell_become_one_kind(read):
    """A lone carriage return would be written unquoted, and the written table could not be read."""
    assert read(b'a,b\n1,"x\ry\r\nz"\n')["b"].tolist() == ["x\ny\nz"]


def test_types_order_and_sorting():
    out = tables.conform(made({"key": "b", "x": ""}, {"on": "False"})[list(ROW)[::-1]], MADE, "made")
    assert out.columns.tolist() == list(ROW)
    assert out["key"].tolist() == ["a", "b"]
    assert out["on"].tolist() == [False, True]
    assert out["k"].dtype == "Int64"
    assert pd.isna(out["x"].iloc[1])


@pytest.mark.parametrize(
    ("change", "column", "value", "allowed"),
    [
        ({"x": "-0.1"}, "x", "-0.1", ">= 0 and <= 10"),
        ({"x": "10.1"}, "x", "10.1", ">= 0 and <= 10"),
        ({"x": "1e999"}, "x", "1e999", ">= 0 and <= 10"),
        ({"x": "two"}, "x", "two", ">= 0 and <= 10"),
        ({"v": "0"}, "v", "0", "> 0"),
        ({"v": "inf"}, "v", "inf", "> 0"),
        ({"k": "2.5"}, "k", "2.5", None),
        ({"k": "1e300"}, "k", "1e300", None),
        ({"k": "inf"}, "k", "inf", None),
        ({"word": "Yes"}, "word", "Yes", "yes, no"),
        ({"key": ""}, "key", "", "not empty"),
        ({"on": ""}, "on", "", "not empty"),
        ({"on": "1"}, "on", "1", "not empty"),
    ],
)
def test_a_cell_that_breaks_the_schema_is_named(refused, change, column, value, allowed):
    problem = refused(tables.conform, made({"key": "b"}, change), MADE, "made.csv")
    assert (problem.file, problem.row, problem.column, problem.value) == ("made.csv", 3, column, value)
    assert problem.allowed == allowed


def test_rows_can_have_names_of_their_own(refused):
    problem = refused(tables.conform, made({"key": "b"}, {"x": "-1"}), MADE, "made.csv", ["R7", "R8"])
    assert problem.row == "R8"


def test_columns_that_are_missing_or_unknown_are_named():
    with pytest.raises(BadInput, match=r"(?s)'word' is missing.*'wrod' is not known.*'word'"):
        tables.conform(made({}).rename(columns={"word": "wrod"}), MADE, "made.csv")


def test_a_key_stands_once(refused):
    problem = refused(tables.conform, made({}, {"x": "2"}), MADE, "made.csv")
    assert (problem.row, problem.value) == (3, "key=a")


numbers = st.one_of(st.none(), st.floats(0, 10))
words = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), min_size=1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(words, numbers, st.booleans()), max_size=4, unique_by=lambda row: row[0]))
def test_what_was_written_is_read_back_and_writes_the_same_bytes(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "made.csv"
    frame = pd.DataFrame([ROW | {"key": k, "x": x, "on": on} for k, x, on in rows], columns=list(ROW))
    tables.write(frame, MADE, path)
    first, back = path.read_bytes(), tables.read(path, MADE)
    assert back["key"].tolist() == sorted(k for k, _, _ in rows)
    pd.testing.assert_series_equal(back["x"], tables.conform(frame, MADE, "made")["x"], rtol=1e-11)
    tables.write(back, MADE, path)
    assert path.read_bytes() == first


def failing(*_args, **_words):
    raise OSError("no space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "made.csv"
    tables.write(made({}), MADE, path)
    before = path.read_bytes()
    monkeypatch.setattr(os if step == "fsync" else Path, step, failing)
    with pytest.raises(OSError, match="no space"):
        tables.write(made({"x": "9"}), MADE, path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["made.csv"]


def test_what_a_killed_run_left_is_taken_over(tmp_path):
    (tmp_path / ".made.csv.part").write_text("half a ta")
    tables.write(made({}), MADE, tmp_path / "made.csv")
    assert [f.name for f in tmp_path.iterdir()] == ["made.csv"]


def test_a_bad_table_is_refused_before_the_old_file_is_touched(tmp_path):
    path = tmp_path / "made.csv"
    tables.write(made({}), MADE, path)
    before = path.read_bytes()
    with pytest.raises(BadInput):
        tables.write(made({"x": "-1"}), MADE, path)
    assert path.read_bytes() == before


def test_every_schema_holds_together():
    for name, table in tables.TABLES.items():
        assert name == table.name
        assert set(table.key) <= set(table.columns)
        assert tables.empty(table).columns.tolist() == list(table.columns)
