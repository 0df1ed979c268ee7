"""Stage `link`: which studies of different deliveries are one trial."""

from __future__ import annotations

from pipeline import tables
from pipeline.ingest.linking import link_trials
from pipeline.stages.command import Paths, run
from pipeline.stages.deliveries import read_all


def main(at: Paths) -> None:
    """Link the trials of all deliveries."""
    studies = read_all(at.tidy, tables.STUDIES, at.params)
    arms = read_all(at.tidy, tables.STUDY_ARMS, at.params)
    links = link_trials(studies, arms, at.known)
    tables.write(links, tables.LINKS, at.out)
    print(f"link        {len(links)} studies are {links['trial_id'].nunique()} trials")


if __name__ == "__main__":
    run(main, paths=("known", "params", "out"), many=("tidy",))
