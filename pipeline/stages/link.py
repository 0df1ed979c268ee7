"""Stage `link`: which studies of different deliveries are one trial."""

from __future__ import annotations

import pandas as pd

from pipeline import tables
from pipeline.ingest.linking import link_trials
from pipeline.stages.command import Paths, run


def main(at: Paths) -> None:
    """Link the trials of all deliveries."""
    studies = pd.concat([tables.read(folder / "studies.csv", tables.STUDIES) for folder in at.tidy], ignore_index=True)
    arms = pd.concat(
        [tables.read(folder / "study_arms.csv", tables.STUDY_ARMS) for folder in at.tidy], ignore_index=True
    )
    tables.write(link_trials(studies, arms, at.known), tables.LINKS, at.out)


if __name__ == "__main__":
    run(main, paths=("known", "out"), many=("tidy",))
