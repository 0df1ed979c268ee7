"""Stage `render`: every report of params.yaml as a PDF.

A report whose inputs and PDF stand unchanged in `manifest.json` is not made again: the same inputs give the same
bytes. A report that fails keeps its old PDF, and the others are still made.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from pipeline import params, tables
from pipeline.errors import BadInput, Problem
from pipeline.report.identity import check_id
from pipeline.report.results import FILES, QUESTIONS, SHARED
from pipeline.stages.command import Paths, run

PROCESSES = 2
MANIFEST = "manifest.json"
SUMMARY = "funder_summary"
TEMPLATE = Path("template") / "report.typ"
TYPESETTING = ("matplotlib", "typst", "font-source-sans-pro", "font-source-serif-pro")


@dataclass(frozen=True, slots=True)
class Job:
    """One report: its id, its notebook with parameters, and every file it is made from."""

    report: str
    notebook: Path
    template: Path
    parameters: dict[str, Any]
    inputs: tuple[Path, ...]
    pdf: Path


def main(at: Paths) -> None:
    """Render what has changed."""
    keys = question_keys(at.params)
    jobs = jobs_for(keys, at.results, at.notebooks, at.out)
    old = read_manifest(at.out)
    hashes = {job.report: inputs_hash(job) for job in jobs}
    due = [job for job in jobs if not is_current(job, hashes[job.report], old)]
    failed = dict(zip((j.report for j in due), render_all(due), strict=True))
    failed = {report: why for report, why in failed.items() if why}
    remove_stale(at.out, {job.pdf.name for job in jobs})
    write_manifest(at.out, {j.report: hashes[j.report] for j in jobs if j.report not in failed})
    print(f"{len(jobs)} reports: {len(due) - len(failed)} made, {len(jobs) - len(due)} unchanged, {len(failed)} failed")
    if failed:
        sys.exit(
            "\n".join(["", f"{len(failed)} of {len(jobs)} reports failed; their old PDFs stay.", *failed.values(), ""])
        )


def question_keys(path: Path) -> list[str]:
    """The keys of params.yaml's `questions`, in its order. Raises `BadInput` for one that cannot name a file."""
    questions = params.load(path).get("questions")
    if not isinstance(questions, dict) or not questions:
        raise BadInput(Problem(path.name, "section 'questions' is missing or empty", "add at least one row"))
    keys = [check_id(str(key), path.name) for key in questions]
    if SUMMARY in keys:
        raise BadInput(Problem(path.name, f"a question may not be called '{SUMMARY}'", "rename it"))
    return keys


def jobs_for(keys: list[str], results: Path, notebooks: Path, out: Path) -> list[Job]:
    """The funder summary over all questions, and a technical report for each."""
    files = {key: tuple(results / QUESTIONS / key / name for name in FILES) for key in keys}
    shared, template = tuple(results / name for name in SHARED), notebooks / TEMPLATE
    where = str(results)
    summary = Job(
        SUMMARY,
        notebooks / "funder_summary.ipynb",
        template,
        {"questions": keys, "results": where},
        (*shared, *(f for key in keys for f in files[key])),
        out / f"{SUMMARY}.pdf",
    )
    technical = notebooks / "technical_report.ipynb"
    return [summary] + [
        Job(key, technical, template, {"question": key, "results": where}, (*shared, *files[key]), out / f"{key}.pdf")
        for key in keys
    ]


def inputs_hash(job: Job) -> str:
    """SHA-256 over everything the PDF depends on: results, notebook, template, parameters, code, typesetting
    packages."""
    digest = hashlib.sha256(_machinery().encode())
    named = {name: value for name, value in job.parameters.items() if name != "results"}
    digest.update(json.dumps([job.report, named], sort_keys=True).encode())
    for path in (job.notebook, job.template, *job.inputs):
        digest.update(_file_hash(path).encode())
    return digest.hexdigest()


def is_current(job: Job, inputs: str, manifest: dict[str, dict[str, str]]) -> bool:
    """Do the manifest's two hashes still hold?"""
    entry = manifest.get(job.report, {})
    return (
        entry.get("inputs") == inputs
        and job.pdf.is_file()
        and entry.get("pdf") == hashlib.sha256(job.pdf.read_bytes()).hexdigest()
    )


def render_all(jobs: list[Job]) -> list[str]:
    """'' or the reason of failure, per job; the longest first, so that both processes end together."""
    order = sorted(range(len(jobs)), key=lambda i: -sum(p.stat().st_size for p in jobs[i].inputs if p.is_file()))
    made = Parallel(n_jobs=min(PROCESSES, max(len(jobs), 1)))(delayed(render)(jobs[i]) for i in order)
    by_index = dict(zip(order, made, strict=True))
    return [by_index[i] for i in range(len(jobs))]


def render(job: Job) -> str:
    """Make one PDF and write it atomically. Returns '' or why it could not be made; never raises."""
    from pipeline.report import notebook, pdf

    try:
        blocks = notebook.run(job.notebook, job.report, job.parameters)
        tables.write_bytes(job.pdf, pdf.pdf(blocks, job.template))
    except Exception as e:
        text = str(e)
        return text if job.report in text else f"report '{job.report}' failed: {type(e).__name__}: {text}"
    return ""


def read_manifest(out: Path) -> dict[str, dict[str, str]]:
    """What the last run made; {} when there is none or it cannot be read, so that everything is made."""
    try:
        content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_manifest(out: Path, inputs: dict[str, str]) -> None:
    """Report -> hash of its inputs and of its PDF, sorted."""
    entries = {r: {"inputs": h, "pdf": _file_hash(out / f"{r}.pdf")} for r, h in inputs.items()}
    tables.write_text(out / MANIFEST, json.dumps(entries, indent=1, sort_keys=True) + "\n")


def remove_stale(out: Path, wanted: set[str]) -> None:
    """PDFs of questions that are no longer asked."""
    for path in out.glob("*.pdf"):
        if path.name not in wanted:
            path.unlink()


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


@cache
def _machinery() -> str:
    """Hash of the code that makes a report, and the versions of what sets it."""
    package = Path(__file__).resolve().parents[1]
    files = [
        *sorted((package / "report").rglob("*.py")),
        *sorted((package / "schemas").rglob("*.py")),
        package / "tables.py",
        package / "vocabulary.py",
        package / "errors.py",
        Path(__file__),
    ]
    return "\n".join([*(_file_hash(f) for f in files), *(f"{name} {version(name)}" for name in TYPESETTING)])


if __name__ == "__main__":
    run(main, paths=("results", "notebooks", "params", "out"))
