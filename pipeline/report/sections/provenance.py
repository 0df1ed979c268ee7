"""What the numbers were made from: data, code and packages, by their hashes and versions."""

from __future__ import annotations

from typing import Any

from pipeline.report import format as f
from pipeline.report.book import Block, Bullets, Heading, Paragraph
from pipeline.report.results import Evidence

_SAME_BYTES = (
    "The same inputs and parameters give the same file, byte for byte: run \u201cmake report\u201d. {}SHA-256, "
    "first 16 digits: code {}, lock file {}. The complete hashes stand in data/results/provenance.json."
)


def reproducibility(e: Evidence) -> list[Block]:
    """What the numbers were made from: data, code and packages, by their hashes and versions."""
    searched = {*e.question.sources, *(("published_reviews",) if e.question.published else ())}
    return reproducing(e.provenance, f"Question key: {e.question.key}. ", searched)


def reproducing(p: dict[str, Any], lead: str = "", deliveries: set[str] | None = None) -> list[Block]:
    """The same for any report: one line per delivery; with `deliveries`, only those read, and file by file."""
    digests = (f.short_hash(str(p.get(name, "not given"))) for name in ("code_sha256", "lock_sha256"))
    packages = ", ".join(f"{name} {version}" for name, version in sorted(p.get("packages", {}).items()))
    blocks: list[Block] = [Heading("Reproducing this report"), Paragraph(_SAME_BYTES.format(lead, *digests))]
    blocks += [Paragraph(f"Packages: {packages}.", small=True)] if packages else []
    by_delivery: dict[str, list[dict[str, Any]]] = {}
    for i in sorted(p.get("inputs", []), key=lambda i: (str(i["delivery"]), str(i["file"]))):
        by_delivery.setdefault(str(i["delivery"]), []).append(i)
    lines = tuple(
        _delivery(name, files, deliveries is not None)
        for name, files in by_delivery.items()
        if deliveries is None or name in deliveries
    )
    return [*blocks, Heading("Where the data come from", 2), Bullets(lines)] if lines else blocks


def _delivery(name: str, files: list[dict[str, Any]], with_files: bool) -> str:
    """One delivery: its title, its citation and, where asked for, its files with their hashes."""
    about = f"{files[0].get('title') or name}: {files[0].get('citation', '')}"
    hashes = "; ".join(f"{i['file']} {f.short_hash(str(i['sha256']))}" for i in files)
    return f"{about}. Files, SHA-256: {hashes}" if with_files else about
