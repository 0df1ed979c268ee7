"""Web addresses and DOIs in printed text as links, unless the source has cut them off."""

from __future__ import annotations

import re

from pipeline.report.book import Run

_ADDRESS = re.compile(r"https?://[^\s\[\]()<>\"]+|(?:doi:)?10\.\d{4,9}/[^\s\[\]<>\"]+")
_SUFFIX_MIN = 6
"""Characters after the slash of a DOI; shorter ones in the deliveries are cut off."""


def linked(text: str) -> tuple[str | Run, ...]:
    """Text whose web addresses and DOIs are links."""
    parts: list[str | Run] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = _whole(found.group())
        if not address:
            continue
        href = address if address.startswith("http") else f"https://doi.org/{address.removeprefix('doi:')}"
        parts += [text[end : found.start()], Run(address, href=href)]
        end = found.start() + len(address)
    return tuple(p for p in (*parts, text[end:]) if p)


def _whole(address: str) -> str:
    """The address without what only ends the sentence around it; '' for one that the source has cut off."""
    address = address.rstrip(".,;")
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(".,;")
    doi = re.search(r"10\.\d{4,9}/(.*)", address)
    cut_off = "..." in address or address.endswith("-") or (doi is not None and len(doi.group(1)) < _SUFFIX_MIN)
    return "" if cut_off else address
