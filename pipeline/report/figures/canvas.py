"""A drawing surface in inches, origin at the top left, that ends as SVG bytes. The same drawing gives the same
bytes."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report import fonts

WIDTH = 166 / 25.4
"""Inches: the text width of the page, so that a size in points is the size in print."""
SIZE = 9.0
"""Points: the smallest text in a figure."""
INK, MUTED, ACCENT, PALE = "#1b1f22", "#4a5a62", "#0b4a62", "#c9d6dc"
_NO_GLYPH = "Glyph .* missing from font"
"""A script that no font holds is drawn as boxes; the tables print it in full."""
_RC: dict[Any, Any] = {
    "svg.hashsalt": "peer-support-outcomes",
    "svg.fonttype": "path",
    "axes.unicode_minus": True,
    "path.simplify": False,
    "text.parse_math": False,
    "font.family": [fonts.SANS, fonts.FALLBACK],
}


@cache
def _register() -> None:
    for weight in ("Regular", "Semibold"):
        font_manager.fontManager.addfont(fonts.sans_file(weight))


@dataclass(frozen=True)
class Canvas:
    """`height` in inches; every method takes inches, y downwards."""

    height: float
    figure: Figure
    axes: Axes
    width: float = WIDTH

    @classmethod
    def of(cls, height: float) -> Canvas:
        _register()
        figure = Figure(figsize=(WIDTH, height), dpi=72, facecolor="none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(height, 0)
        axes.axis("off")
        return cls(height, figure, axes)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        align: str = "left",
        bold: bool = False,
        color: str = INK,
        upright: bool = False,
    ) -> None:
        """One line of text, centred vertically on y, read literally; `upright` turns it by 90 degrees."""
        self.axes.text(
            x,
            y,
            text,
            ha=align,
            va="center" if upright else "center_baseline",
            color=color,
            parse_math=False,
            rotation=90 if upright else 0,
            fontproperties=_properties(bold),
        )

    def line(
        self, x0: float, y0: float, x1: float, y1: float, width: float = 0.8, color: str = INK, dash: bool = False
    ) -> None:
        style = (0, (3, 2)) if dash else "-"
        self.axes.plot([x0, x1], [y0, y1], color=color, lw=width, ls=style, solid_capstyle="butt", dash_capstyle="butt")

    def marker(self, x: float, y: float, shape: str, area: float, color: str = INK, hollow: bool = False) -> None:
        """A marker of `area` square points; a hollow one is filled with white."""
        face = "white" if hollow else color
        self.axes.scatter([x], [y], s=area, marker=shape, facecolors=face, edgecolors=color, linewidths=0.9, zorder=3)

    def polygon(
        self, points: list[tuple[float, float]], color: str = ACCENT, hollow: bool = False, edge: bool = True
    ) -> None:
        """A filled shape; one without an edge lies below the lines."""
        xs, ys = zip(*points, strict=True)
        self.axes.fill(
            xs,
            ys,
            facecolor="white" if hollow else color,
            edgecolor=color,
            lw=0.9 if edge else 0.0,
            zorder=2.5 if edge else 1.5,
        )

    def svg(self) -> bytes:
        out = io.BytesIO()
        with matplotlib.rc_context(_RC), warnings.catch_warnings():
            warnings.filterwarnings("ignore", _NO_GLYPH)
            self.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
        return out.getvalue()


@cache
def _properties(bold: bool) -> font_manager.FontProperties:
    return font_manager.FontProperties(family=[fonts.SANS, fonts.FALLBACK], weight=600 if bold else 400, size=SIZE)


def text_width(text: str, bold: bool = False) -> float:
    """Printed width in inches at the figures' text size."""
    _register()
    font = font_manager.get_font(
        [fonts.sans_file("Semibold" if bold else "Regular"), font_manager.findfont(fonts.FALLBACK)]
    )
    font.set_size(SIZE, 72)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _NO_GLYPH)
        font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64 / 72


def fit(text: str, width: float) -> str:
    """The text, shortened with an ellipsis if it is wider than `width` inches: by what stands in brackets at its end,
    then by whole words, and only within a first word that is too long."""
    if text_width(text) <= width:
        return text
    words = re.sub(r"\s*\([^()]*\)$", "", text).split()
    while len(words) > 1 and text_width(" ".join(words) + "\u2026") > width:
        words.pop()
    text = " ".join(words).rstrip(" ,;(")
    while text and text_width(text + "\u2026") > width:
        text = text[:-1].rstrip()
    return text + "\u2026"


def wrap(text: str, width: float) -> list[str]:
    """The text in lines no wider than `width` inches."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(fit(word, width))
    return lines or [""]
