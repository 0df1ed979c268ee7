"""The reports as PDF: accessible, the same bytes twice, and deaf to hostile text."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pikepdf
import pytest
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "report"))


import simulated  # noqa: E402

from pipeline.report import notebook, pdf  # noqa: E402
from pipeline.stages import render  # noqa: E402
from pipeline.stages.command import Paths  # noqa: E402

NOTEBOOKS, TEMPLATE = ROOT / "notebooks", ROOT / "notebooks" / "template" / "report.typ"
HOSTILE = '#import "x": * $x$ <script>alert(1)</script> {{y}} \\u{41} @ref *b* _i_ אבג 中'


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for key, k in (("none", 0), ("few", 4), ("many", 12)):
        simulated.write(folder, key, k, published=["pfeiffer_group_cbt"])
    simulated.write_shared(folder)
    return folder


def technical(results: Path, key: str) -> bytes:
    blocks = notebook.run(NOTEBOOKS / "technical_report.ipynb", key, {"question": key, "results": str(results)})
    return pdf.pdf(blocks, TEMPLATE)


def opened(data: bytes, folder: Path) -> Path:
    path = folder / "report.pdf"
    path.write_bytes(data)
    return path


def text_of(path: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def structure(tree: pikepdf.Object) -> list[pikepdf.Dictionary]:
    """Every element of the tag tree, in reading order."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop(0)
        if isinstance(node, pikepdf.Array):
            todo = [*node, *todo]
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                found.append(node)
            if "/K" in node:
                todo = [node.K, *todo]
    return found


@pytest.mark.parametrize("key", ["none", "few", "many"])
def test_a_report_is_tagged_titled_and_has_alternative_texts(results: Path, key: str, tmp_path: Path) -> None:
    with pikepdf.open(opened(technical(results, key), tmp_path)) as doc:
        assert str(doc.Root.Lang).startswith("en")
        assert doc.Root.MarkInfo.Marked
        assert doc.Root.ViewerPreferences.DisplayDocTitle
        assert str(doc.docinfo["/Title"]).startswith("Simulated question")
        assert str(doc.docinfo["/Author"]) == "Peer support outcomes"
        tags = structure(doc.Root.StructTreeRoot.K)
        names = [str(t.S) for t in tags]
        figures = [t for t in tags if str(t.S) == "/Figure"]
        assert len(figures) == {"none": 0, "few": 2, "many": 3}[key]
        assert all(len(str(f.Alt)) > 60 for f in figures)
        assert names.count("/TH") > 4
        assert names[:3] == ["/Document", "/P", "/Title"]
        tables = [t for t in tags if str(t.S) == "/Table"]
        assert {tuple(str(k.S) for k in t.K) for t in tables} == {("/Caption", "/THead", "/TBody")}
        levels = [int(n[2:]) for n in names if n in ("/H1", "/H2", "/H3")]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_the_summary_answers_on_its_first_page_and_draws_once(results: Path, tmp_path: Path) -> None:
    keys = ["none", "few", "many"]
    blocks = notebook.run(NOTEBOOKS / "funder_summary.ipynb", "s", {"questions": keys, "results": str(results)})
    assert sum(b["block"] == "Figure" for b in blocks) == 1
    first = " ".join(PdfReader(opened(pdf.pdf(blocks, TEMPLATE), tmp_path)).pages[0].extract_text().split())
    for part in (
        "No usable trial (one)",
        "Is peer support as good as group CBT? Not known.",
        "0.39 standard deviations",
    ):
        assert part in first
    assert "SMD" not in first.split("All answers at a glance")[0]
    assert pdf.pdf(blocks, TEMPLATE) == pdf.pdf(blocks, TEMPLATE)


def test_the_file_names_no_path_and_no_clock(results: Path, tmp_path: Path) -> None:
    with pikepdf.open(opened(technical(results, "few"), tmp_path)) as doc:
        said = " ".join(str(v) for v in doc.docinfo.values()) + bytes(doc.Root.Metadata.read_bytes()).decode()
    assert str(results) not in said
    assert str(Path.home()) not in said
    assert "2000-01-01" in said


@pytest.mark.parametrize("key", ["none", "few"])
def test_the_same_results_give_the_same_bytes(results: Path, key: str) -> None:
    assert technical(results, key) == technical(results, key)


def test_hostile_names_are_printed_and_never_run(results: Path, tmp_path: Path) -> None:
    copy = tmp_path / "results"
    shutil.copytree(results, copy)
    path = copy / "questions" / "few" / "studies_used.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[0, ["study", "population", "note", "reference"]] = HOSTILE
    frame.to_csv(path, index=False)
    text = text_of(opened(technical(copy, "few"), tmp_path))
    for part in ('#import "x": *', "$x$", "<script>alert(1)</script>", "{{y}}", "\\u{41}", "@ref", "*b*", "_i_"):
        assert part in text, part


def test_a_report_without_a_trial_says_so(results: Path, tmp_path: Path) -> None:
    text = text_of(opened(technical(results, "none"), tmp_path))
    assert "No usable trial of peer support has measured" in text
    assert "What would answer it" in text
    assert "Forest plot" not in text


def arguments(results: Path, out: Path, keys: tuple[str, ...], tmp_path: Path, notebooks: Path = NOTEBOOKS) -> Paths:
    params = tmp_path / "params.yaml"
    params.write_text("questions:\n" + "".join(f"  {key}: {{}}\n" for key in keys))
    return Paths(results=results, notebooks=notebooks, params=params, out=out)


def test_render_writes_skips_and_removes(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports"
    render.main(arguments(results, out, ("none", "few"), tmp_path))
    made = {p.name: p.stat().st_mtime_ns for p in out.glob("*.pdf")}
    assert set(made) == {"none.pdf", "few.pdf", "funder_summary.pdf"}
    render.main(arguments(results, out, ("none", "few"), tmp_path))
    assert {p.name: p.stat().st_mtime_ns for p in out.glob("*.pdf")} == made
    (out / "few.pdf").write_bytes(b"damaged")
    render.main(arguments(results, out, ("few",), tmp_path))
    assert (out / "few.pdf").read_bytes().startswith(b"%PDF")
    assert not (out / "none.pdf").exists()
    assert sorted(json.loads((out / "manifest.json").read_text())) == ["few", "funder_summary"]


def test_a_failing_cell_names_report_and_cell_and_leaves_the_others(results: Path, tmp_path: Path) -> None:
    notebooks, out = tmp_path / "notebooks", tmp_path / "reports"
    shutil.copytree(NOTEBOOKS, notebooks)
    path = notebooks / "technical_report.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells[3].source = 'if question == "few":\n    raise ValueError("broken on purpose")\n' + book.cells[3].source
    nbformat.write(book, path)
    out.mkdir()
    (out / "few.pdf").write_bytes(b"old")
    with pytest.raises(
        SystemExit, match=r"(?s)'few' stopped in cell \d+ of technical_report\.ipynb.*broken on purpose"
    ):
        render.main(arguments(results, out, ("none", "few"), tmp_path, notebooks))
    assert (out / "few.pdf").read_bytes() == b"old"
    assert (out / "none.pdf").is_file()
    assert "few" not in json.loads((out / "manifest.json").read_text())


def test_a_parameter_that_the_notebook_lacks_is_refused(results: Path) -> None:
    with pytest.raises(ValueError, match="other parameters"):
        notebook.run(NOTEBOOKS / "technical_report.ipynb", "few", {"questoin": "few", "results": str(results)})


def test_notebooks_are_stored_without_outputs_and_import_only_the_report() -> None:
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        code = [c for c in book.cells if c.cell_type == "code"]
        assert not any(c.outputs or c.execution_count for c in code)
        imports = [line for c in code for line in c.source.splitlines() if "import" in line]
        assert imports
        assert all(line.startswith("from pipeline.report import ") for line in imports)
