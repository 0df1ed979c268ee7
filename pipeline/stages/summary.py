"""Stage `summary`: one line per question, for `dvc metrics diff` and `dvc plots`."""

from __future__ import annotations

import json

from pipeline import params, tables
from pipeline.analysis.questions import Question
from pipeline.analysis.summary import overview, summary
from pipeline.stages.command import Paths, run


def main(at: Paths) -> None:
    """Summarise all answers."""
    questions = params.sections(at.params, "questions", Question)
    pooled = {key: tables.read(at.results / key / "pooled.csv", tables.POOLED) for key in questions}
    used = {key: tables.read(at.results / key / "studies_used.csv", tables.STUDIES_USED) for key in questions}
    tables.write_text(at.metrics, json.dumps(summary(pooled, used), indent=1, sort_keys=True) + "\n")
    tables.write(overview(pooled, used), tables.OVERVIEW, at.plot)


if __name__ == "__main__":
    run(main, paths=("results", "params", "metrics", "plot"))
