"""Blocks to PDF. The template reads the blocks as one JSON value; no text of theirs is ever parsed as markup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typst

from pipeline.report import fonts

STANDARDS: list[Any] = ["a-2a", "ua-1"]
TIMESTAMP = 946684800
"""2000-01-01: PDF/A wants a date, and a date of the clock would change the bytes at every run."""


def pdf(blocks: list[dict[str, Any]], template: Path) -> bytes:
    """Set the blocks with the template.

    Returns the bytes of a PDF/A-2a and PDF/UA-1 file; the same blocks give the same bytes. Raises `typst.TypstError`
    for a
    block that would break those standards (a figure without an alternative text, a skipped heading level).
    """
    if not blocks or blocks[0]["block"] != "Title":
        raise ValueError("a report opens with a Title block")
    page = json.dumps({"title": blocks[0], "blocks": blocks[1:]}, ensure_ascii=False, sort_keys=True)
    made = typst.compile(
        str(template),
        format="pdf",
        sys_inputs={"report": page},
        font_paths=[*fonts.folders()],
        ignore_system_fonts=True,
        pdf_standards=STANDARDS,
        timestamp=TIMESTAMP,
    )
    return bytes(made)
