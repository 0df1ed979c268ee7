"""Reports: formats, words and draws; computes nothing. What a notebook needs is named here."""

from __future__ import annotations

from pipeline.report.book import show
from pipeline.report.results import load, load_all
from pipeline.report.sections import SECTIONS, SUMMARY_SECTIONS

__all__ = ["SECTIONS", "SUMMARY_SECTIONS", "load", "load_all", "show"]
