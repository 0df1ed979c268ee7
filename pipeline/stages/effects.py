"""Stage `effects`: every contrast as effects with a status."""

from __future__ import annotations

from pipeline import codebook, params, tables
from pipeline.analysis.computed import EffectParams
from pipeline.analysis.effects import effects
from pipeline.stages.command import Paths, run
from pipeline.stages.deliveries import read_all


def main(at: Paths) -> None:
    """Compute the effects of all deliveries."""
    found = effects(
        read_all(at.tidy, tables.STUDIES, at.params),
        read_all(at.tidy, tables.STUDY_ARMS, at.params),
        read_all(at.tidy, tables.REPORTED, at.params),
        tables.read(at.links, tables.LINKS),
        tables.read(at.issues, tables.ISSUES),
        codebook.load(at.codebook),
        params.section(at.params, "effects", EffectParams),
    )
    tables.write(found, tables.EFFECTS, at.out)
    print(f"effects     {len(found)}, of which {int(found['status'].eq('ok').sum())} can be used")


if __name__ == "__main__":
    run(main, paths=("links", "issues", "codebook", "params", "out"), many=("tidy",))
