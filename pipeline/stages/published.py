"""Stage `published`: pooled results of other reviews, shown as context."""

from __future__ import annotations

from pipeline import tables
from pipeline.ingest.published import read_published
from pipeline.stages.command import Paths, run


def main(at: Paths) -> None:
    """Read the published pooled results."""
    tables.write(read_published(at.raw), tables.PUBLISHED, at.out)


if __name__ == "__main__":
    run(main, paths=("raw", "out"))
