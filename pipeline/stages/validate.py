"""Stage `validate`: every delivery against the checks. An error stops the pipeline; everything else is recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from pipeline import codebook, params, tables
from pipeline.checks import CheckParams, Delivery, run_checks
from pipeline.stages.command import Paths, run
from pipeline.stages.deliveries import in_order


def main(at: Paths) -> None:
    """Check all deliveries."""
    book, thresholds = codebook.load(at.codebook), params.section(at.params, "checks", CheckParams)
    folders = in_order(at.tidy, at.params)
    found = pd.concat([run_checks(_delivery(folder, book, thresholds)) for folder in folders], ignore_index=True)
    errors = found[found["severity"].eq("error")]
    if len(errors):
        lines = [
            f"{e.source}, row {e.row_id} ({e.study}), {e.check}: {e.evidence}. {e.advice}" for e in errors.itertuples()
        ]
        sys.exit("\nThe checks found values that cannot be; nothing was written.\n\n" + "\n".join(lines) + "\n")
    tables.write(found, tables.ISSUES, at.out)
    print(f"validate    {len(found)} issues, {int(found['severity'].eq('exclude').sum())} keep something out")


def _delivery(folder: Path, book: codebook.Codebook, thresholds: CheckParams) -> Delivery:
    read = {
        t.name: tables.read(folder / f"{t.name}.csv", t) for t in (tables.STUDIES, tables.STUDY_ARMS, tables.REPORTED)
    }
    return Delivery(read["studies"], read["study_arms"], read["reported"], book, thresholds)


if __name__ == "__main__":
    run(main, paths=("codebook", "params", "out"), many=("tidy",))
