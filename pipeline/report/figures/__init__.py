"""Figures: evidence in, SVG bytes out. FIGURES names them; a new one is a file here and a row there."""

from __future__ import annotations
