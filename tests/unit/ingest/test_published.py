"""Published pooled results: context, as printed."""

import pytest
from made import write_rows

from pipeline.ingest.published import read_published

RESULT = {
    "review": "Made", "year": "2011.0", "doi_or_pmid": "10.1/x", "population": "adults", "comparison": "peer v usual",
    "outcome": "depression", "effect_type": "SMD", "source_ref": "abstract", "k": "7", "n_participants": "869",
    "pooled": "-0.59", "ci_low": "-0.98", "ci_high": "-0.21",
}  # fmt: skip
CONTEXT = {
    "id": "made", "review": "Made", "year": "2011", "comparison": "peer v usual", "outcome": "depression",
    "better_is_negative": "yes", "note": "",
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def of(context=(CONTEXT,), results=(RESULT, RESULT | {"outcome": "hope"})):
        write_rows(tmp_path / "pooled.csv", results)
        write_rows(tmp_path / "context.csv", context)
        return read_published(tmp_path)

    return of


def test_a_chosen_row_is_kept_as_printed(read):
    row = read().iloc[0]
    assert row[["id", "year", "k", "n", "estimate", "ci_lb", "ci_ub", "better_is_negative"]].tolist() == [
        "made", 2011, 7, 869, -0.59, -0.98, -0.21, True,
    ]  # fmt: skip


def test_one_result_may_have_two_ids(read):
    assert read([CONTEXT, CONTEXT | {"id": "again"}])["estimate"].tolist() == [-0.59, -0.59]


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [({"outcome": "hopp"}, "id", "made"), ({"better_is_negative": "y"}, "better_is_negative", "y")],
)
def test_what_fits_nothing_is_refused(read, refused, change, column, value):
    problem = refused(read, [CONTEXT | change])
    assert (problem.file, problem.row, problem.column, problem.value) == ("context.csv", 2, column, value)


def test_two_results_for_one_id_are_refused(read, refused):
    assert "fits 2 rows" in refused(read, [CONTEXT], [RESULT, RESULT | {"pooled": "-0.5"}]).problem
