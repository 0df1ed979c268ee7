"""Blocks: text stays text, in JSON and in Markdown; a table with a missing cell is refused."""

from __future__ import annotations

import pytest

from pipeline.report.book import (
    MIME,
    Bullets,
    Column,
    DataTable,
    Figure,
    Heading,
    Paragraph,
    Run,
    clean,
    plain,
    show,
    to_json,
    to_markdown,
)
from pipeline.report.links import linked


def test_a_block_keeps_text_as_strings() -> None:
    block = to_json(Paragraph(("$x$ ", Run("#import", bold=True))))
    assert block == {
        "block": "Paragraph",
        "text": ["$x$ ", {"text": "#import", "bold": True, "italic": False, "href": ""}],
        "small": False,
    }


def test_control_and_direction_characters_are_shown_and_cannot_act() -> None:
    assert clean("a\u202eb\x00c\nd") == "a⟨U+202E⟩b⟨U+0000⟩c d"
    assert clean("1\u00a0000") == "1\u00a0000"


def test_markdown_is_escaped() -> None:
    text = to_markdown(Bullets(("<script> *x* | [a](b)",)))
    assert text == "* \\<script\\> \\*x\\* \\| \\[a\\]\\(b\\)"


@pytest.mark.parametrize(
    ("text", "hrefs"),
    [
        ("J 2005;30:261. doi:10.3102/107699.", ["https://doi.org/10.3102/107699"]),
        (
            "read at https://example.org/a_b, and 10.1002/sim.1188",
            ["https://example.org/a_b", "https://doi.org/10.1002/sim.1188"],
        ),
        ("(doi:10.1016/S0140-6736(18)31470-3)", ["https://doi.org/10.1016/S0140-6736(18)31470-3"]),
        ("cut off: doi:10.1016/S221. and https://example.org/peer-supported-...", []),
        ("javascript:alert(1) file:///etc", []),
    ],
)
def test_addresses_become_links_and_nothing_else_does(text: str, hrefs: list[str]) -> None:
    parts = linked(text)
    assert [p.href for p in parts if isinstance(p, Run)] == hrefs
    assert plain(parts) == text


def test_a_row_with_a_missing_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        DataTable((Column("a"), Column("b")), (("1",),), "Short")


def test_show_displays_the_block_and_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: seen.append(data))
    show(Heading("Results", 2), Figure(b"<svg/>", "alt", "caption"))
    assert [data[MIME]["block"] for data in seen] == ["Heading", "Figure"]
    assert seen[0]["text/markdown"] == "### Results"
    assert "![alt](data:image/svg+xml;base64," in str(seen[1]["text/markdown"])
