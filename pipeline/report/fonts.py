"""The font files of the page and of the figures: packaged, so that every machine sets the same page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import font_source_sans_pro
import font_source_serif_pro
import matplotlib

SANS = "Source Sans Pro"
SERIF = "Source Serif Pro"
FALLBACK = "DejaVu Sans"
"""Holds scripts that the others lack (Greek, Cyrillic, Hebrew, Arabic); ships with matplotlib."""


def folders() -> list[str]:
    """Folders with the font files, for the typesetter."""
    packages = (font_source_sans_pro.__file__, font_source_serif_pro.__file__)
    return [str(Path(p).parent / "files") for p in packages] + [str(Path(matplotlib.get_data_path()) / "fonts" / "ttf")]


@cache
def sans_file(weight: str = "Regular") -> str:
    """The file of the sans font in one weight ('Regular', 'Semibold', 'It')."""
    return str(Path(font_source_sans_pro.__file__).parent / "files" / f"SourceSansPro-{weight}.ttf")
