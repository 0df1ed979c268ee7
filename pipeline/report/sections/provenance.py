"""What the numbers were made from: data, code and packages, by their hashes and versions."""

from __future__ import annotations

from typing import Any

from pipeline.report import format as f
from pipeline.report.book import Block, Column, DataTable, Heading, Paragraph
from pipeline.report.results import Evidence

_SAME_BYTES = (
    "The same inputs and parameters give the same file, byte for byte: run \u201cmake report\u201d. {}SHA-256, "
    "first 16 digits: code {}, lock file {}. The complete hashes stand in data/results/provenance.json."
)


def reproducibility(e: Evidence) -> list[Block]:
    """What the numbers were made from: data, code and packages, by their hashes and versions."""
    read = {part.split(":", 1)[0] for ids in e.studies["effect_id"] for part in ids.split("+")}
    return reproducing(e.provenance, f"Question key: {e.question.key}. ", read)


def reproducing(p: dict[str, Any], lead: str = "", deliveries: set[str] | None = None) -> list[Block]:
    """The same for any report: the deliveries named in tables, file by file; all in one sentence where none is."""
    known = {str(i.get("delivery", "")) for i in p.get("inputs", [])}
    shown = known & (deliveries or set()) or known
    inputs = sorted(
        (i for i in p.get("inputs", []) if str(i.get("delivery", "")) in shown),
        key=lambda i: (str(i.get("delivery", "")), str(i["file"])),
    )
    sources = dict.fromkeys(
        (str(i.get("delivery", "")).replace("_", " "), str(i.get("citation", "")), str(i.get("licence", "")))
        for i in inputs
    )
    digests = (f.short_hash(str(p.get(name, "not given"))) for name in ("code_sha256", "lock_sha256"))
    blocks: list[Block] = [Heading("Reproducing this report"), Paragraph(_SAME_BYTES.format(lead, *digests))]
    if inputs and deliveries is not None:
        about = (Column("Delivery", 1.5), Column("Citation", 2.6), Column("Licence", 2.8))
        blocks.append(DataTable(about, tuple(sources), "Where the data come from"))
    if inputs and deliveries:
        files = tuple((f"{i.get('delivery', '')}/{i['file']}", f.short_hash(str(i["sha256"]))) for i in inputs)
        columns = (Column("Input file", 3.4), Column("SHA-256, first 16 digits", 1.6))
        blocks.append(DataTable(columns, files, "The input files as they were read"))
    if inputs and deliveries is None:
        blocks.append(
            Paragraph("Data: " + "; ".join(f"{name}: {citation}" for name, citation, _ in sources) + ".", small=True)
        )
    packages = ", ".join(f"{name} {version}" for name, version in sorted(p.get("packages", {}).items()))
    return [*blocks, Paragraph(f"Packages: {packages}.", small=True)] if packages else blocks
