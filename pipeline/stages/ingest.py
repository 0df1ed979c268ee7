"""Stage `ingest`: one delivery to tidy tables."""

from __future__ import annotations

from dataclasses import replace

from pipeline import codebook, params, tables
from pipeline.errors import BadInput, Problem, nearest
from pipeline.ingest import READERS
from pipeline.stages.command import Paths, run


class SourceParams(params.Section):
    """How a delivery is read."""

    reader: str


def main(at: Paths) -> None:
    """Read one delivery with its reader."""
    sources = params.sections(at.params, "sources", SourceParams)
    if at.source not in sources:
        fix = nearest(at.source, sources) or "add it there, with its reader"
        raise BadInput(Problem(at.params.name, "'sources' does not name this delivery", fix, value=at.source))
    reader = sources[at.source].reader
    if reader not in READERS:
        raise BadInput(
            Problem(at.params.name, f"'sources.{at.source}.reader' is not a reader", "choose one", value=reader,
                    allowed=", ".join(READERS))
        )  # fmt: skip
    book = codebook.load(at.codebook)
    try:
        tidy = READERS[reader](at.raw, book, at.source)
    except BadInput as e:
        raise BadInput(replace(p, file=f"{at.source}/{p.file}") for p in e.problems) from None
    tables.write(tidy.studies, tables.STUDIES, at.out / "studies.csv")
    tables.write(tidy.arms, tables.STUDY_ARMS, at.out / "study_arms.csv")
    tables.write(tidy.reported, tables.REPORTED, at.out / "reported.csv")
    tables.write(tidy.reading, tables.READING, at.out / "reading.csv")
    print(f"ingest      {at.source}: {len(tidy.studies)} studies, {len(tidy.arms)} arms, {len(tidy.reported)} effects")


if __name__ == "__main__":
    run(main, paths=("raw", "codebook", "params", "out"), words=("source",))
