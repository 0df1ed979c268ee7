"""What the tests make: rows of a trial table, small project folders, and stages run in this process."""

from __future__ import annotations

import csv
import functools
import runpy
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import yaml

from pipeline import codebook

ROOT = Path(__file__).parents[1]
SOURCES = ("peer_support_trials", "peer_support_trials_second", "metapsy_depression")

# one contrast of a trial table: every column, in words of the codebook
TRIAL = {
    "row_id": "R1", "study": "Made 2001", "year": "2001", "doi_or_pmid": "", "setting": "community",
    "country": "Norway", "population": "adults", "intervention": "peer recovery mentor + usual care",
    "peer_role": "peer", "delivery": "one_to_one", "comparator": "usual_care", "outcome": "depressive symptoms",
    "outcome_domain": "depression", "instrument": "bdi2", "direction": "lower_better", "timepoint_weeks": "12",
    "timepoint_basis": "randomisation", "n_int": "40", "mean_int": "12.5", "sd_int": "8", "n_ctl": "42",
    "mean_ctl": "16", "sd_ctl": "9", "mean_kind": "endpoint", "events_int": "", "total_int": "", "events_ctl": "",
    "total_ctl": "", "baseline_mean_int": "", "baseline_sd_int": "", "baseline_mean_ctl": "", "baseline_sd_ctl": "",
    "effect": "", "effect_type": "", "effect_se": "", "ci_low": "", "ci_high": "", "effect_sign": "", "rob": "",
    "cluster_info": "", "source_ref": "Made A. A trial. 2001", "note": "", "qa_flag": "",
}  # fmt: skip
NO_MEANS = dict.fromkeys(("n_int", "mean_int", "sd_int", "n_ctl", "mean_ctl", "sd_ctl", "mean_kind"), "")
COUNTS = {
    **NO_MEANS, "outcome": "probable depression", "outcome_domain": "depression_event", "instrument": "",
    "events_int": "10", "total_int": "50", "events_ctl": "20", "total_ctl": "52",
}  # fmt: skip


def write_rows(path: Path, rows: Iterable[Mapping[str, str]], sep: str = ",") -> Path:
    """A CSV file; its header is the keys of the first row."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, list(rows[0]), delimiter=sep, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def trial_rows(*changes: Mapping[str, str]) -> list[dict[str, str]]:
    """Valid rows R1, R2, ...; each argument is what one row has otherwise."""
    return [TRIAL | {"row_id": f"R{i}"} | dict(c) for i, c in enumerate(changes or ({},), start=1)]


@functools.cache
def small_params() -> dict[str, Any]:
    """The project's params.yaml with one delivery and two questions. Not to be changed in place."""
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["sources"] = {"peer_support_trials": {"reader": "trial_table"}}
    questions = ("depression_usual_care", "depression_event_usual_care")
    content["questions"] = {key: content["questions"][key] | {"sources": list(content["sources"])} for key in questions}
    return dict(content)


@dataclass
class Workplace:
    """A project folder in miniature: a delivery, the real codebook and params.yaml, and outputs beside them."""

    folder: Path
    raw: Path = field(init=False)
    tidy: Path = field(init=False)
    params: Path = field(init=False)

    def __post_init__(self) -> None:
        self.raw, self.tidy = self.folder / "raw", self.folder / "tidy" / "peer_support_trials"
        self.params = self.folder / "params.yaml"
        if not self.params.exists():
            self.set_params()

    def set_params(self, **changes: Any) -> None:
        """Write `small_params` with other sections in the place of some."""
        self.params.write_text(yaml.safe_dump(small_params() | changes, sort_keys=False), encoding="utf-8")

    def options(self, stage: str) -> list[str]:
        """The command line of a stage, below this folder."""
        f = self.folder
        words: dict[str, dict[str, object]] = {
            "ingest": {"source": "peer_support_trials", "raw": self.raw, "out": self.tidy},
            "link": {"known": f / "known.csv", "out": f / "links.csv", "tidy": self.tidy},
            "validate": {"out": f / "issues.csv", "tidy": self.tidy},
            "effects": {
                "links": f / "links.csv",
                "issues": f / "issues.csv",
                "out": f / "effects.csv",
                "tidy": self.tidy,
            },
            "synthesize": {
                "effects": f / "effects.csv",
                "issues": f / "issues.csv",
                "out": f / "questions",
                "tidy": self.tidy,
            },
            "summary": {"results": f / "questions", "metrics": f / "summary.json", "plot": f / "overview.csv"},
            "published": {"raw": self.raw, "out": f / "published.csv"},
            "provenance": {"lock": ROOT / "requirements.lock", "out": f / "provenance.json", "raw": self.raw.parent,
                           "params": self.params, "code": ROOT / "pipeline" / "stages"},
        }  # fmt: skip
        used = words[stage]
        if stage in ("ingest", "validate", "effects", "synthesize"):
            used = used | {"codebook": ROOT / "data" / "codebook"}
        if stage not in ("published", "provenance"):
            used = used | {"params": self.params}
        return [str(x) for name, value in used.items() for x in (f"--{name}", value)]

    def outputs(self) -> dict[str, bytes]:
        """Everything a stage has written so far."""
        written = (f for f in self.folder.rglob("*") if f.is_file() and self.raw not in f.parents and f != self.params)
        return {f.relative_to(self.folder).as_posix(): f.read_bytes() for f in written}


load_once = functools.cache(codebook.load)


def run_stage(stage: str, options: list[str]) -> str:
    """Run a stage's command line in this process; '' when it succeeds, else the message it exits with (code 1)."""
    before, sys.argv = sys.argv, [stage, *options]
    try:
        with warnings.catch_warnings(), mock.patch.object(codebook, "load", load_once):
            warnings.filterwarnings("ignore", message=".*found in sys.modules", category=RuntimeWarning)
            runpy.run_module(f"pipeline.stages.{stage}", run_name="__main__")
    except SystemExit as e:
        assert isinstance(e.code, str), f"exit code {e.code!r} in place of a message"
        return e.code
    finally:
        sys.argv = before
    return ""


def value(frame: pd.DataFrame, column: str, **where: object) -> Any:
    """The one cell of `column` in the rows where the named columns have these values."""
    rows = frame
    for name, wanted in where.items():
        rows = rows[rows[name].eq(wanted)]
    assert len(rows) == 1, f"{len(rows)} rows with {where}"
    return rows[column].iloc[0]
