"""Stage `synthesize`: every question of params.yaml answered."""

from __future__ import annotations

import json
import shutil

from pipeline import codebook, params, tables
from pipeline.analysis.describe import describe
from pipeline.analysis.questions import Question, check_question
from pipeline.analysis.synthesis import SynthesisParams, answer, issues_for
from pipeline.stages.command import Paths, run
from pipeline.stages.deliveries import read_all


def main(at: Paths) -> None:
    """Answer all questions."""
    book, choices = codebook.load(at.codebook), params.section(at.params, "synthesis", SynthesisParams)
    questions = params.sections(at.params, "questions", Question)
    for key, question in questions.items():
        check_question(at.params.name, key, question, book)
    effects, issues = tables.read(at.effects, tables.EFFECTS), tables.read(at.issues, tables.ISSUES)
    studies = read_all(at.tidy, tables.STUDIES, at.params)
    answers = {key: answer(key, q, effects, studies, book, choices) for key, q in questions.items()}
    for key, question in questions.items():
        found, folder = answers[key], at.out / key
        tables.write(found.studies_used, tables.STUDIES_USED, folder / "studies_used.csv")
        tables.write(found.pooled, tables.POOLED, folder / "pooled.csv")
        tables.write(found.tests, tables.TESTS, folder / "tests.csv")
        tables.write(found.influence, tables.INFLUENCE, folder / "influence.csv")
        tables.write(found.translated, tables.TRANSLATED, folder / "translated.csv")
        tables.write(issues_for(question, effects, issues), tables.ISSUES, folder / "issues.csv")
        about = describe(key, question, found, book, choices)
        tables.write_text(
            folder / "question.json", json.dumps(about, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        )
    print(f"synthesize  {len(questions)} questions")
    for stale in {f.name for f in at.out.iterdir() if f.is_dir()} - set(questions):
        shutil.rmtree(at.out / stale)


if __name__ == "__main__":
    run(main, paths=("effects", "issues", "codebook", "params", "out"), many=("tidy",))
