"""Stage `effects`: every contrast as effects with a status."""

from __future__ import annotations

import pandas as pd

from pipeline import codebook, params, tables
from pipeline.analysis.computed import EffectParams
from pipeline.analysis.effects import effects
from pipeline.stages.command import Paths, run


def main(at: Paths) -> None:
    """Compute the effects of all deliveries."""

    def all_of(table: tables.Table) -> pd.DataFrame:
        return pd.concat([tables.read(folder / f"{table.name}.csv", table) for folder in at.tidy], ignore_index=True)

    found = effects(
        all_of(tables.STUDIES),
        all_of(tables.STUDY_ARMS),
        all_of(tables.REPORTED),
        tables.read(at.links, tables.LINKS),
        tables.read(at.issues, tables.ISSUES),
        codebook.load(at.codebook),
        params.section(at.params, "effects", EffectParams),
    )
    tables.write(found, tables.EFFECTS, at.out)


if __name__ == "__main__":
    run(main, paths=("links", "issues", "codebook", "params", "out"), many=("tidy",))
