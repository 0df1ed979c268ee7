"""What a report stands on, as hashes that anyone can recompute with sha256sum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput, Problem
from pipeline.params import Section, load, parse

SHOWN_PACKAGES = ("dvc", "matplotlib", "numpy", "pandas", "papermill", "scipy", "typst")
CODE = ("*.py", "*.ipynb", "*.typ")


class Provenance(Section):
    """`provenance.yaml` of a delivery."""

    title: str
    producer: str
    citation: str
    where: str
    licence: str
    obtained: str
    read_how: str
    caution: str


def provenance(raw: Sequence[Path], code: Sequence[Path], lock: Path) -> dict[str, Any]:
    """Inputs with citation, licence and SHA-256; one hash over all code; the lock file's hash and versions.

    Parameters
    ----------
    raw : folders of deliveries, each with `provenance.yaml`
    code : folders of code and notebooks
    lock : requirements.lock
    """
    versions = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\\n]+)", lock.read_text(encoding="utf-8"), flags=re.M))
    if missing := [name for name in SHOWN_PACKAGES if name not in versions]:
        raise BadInput(Problem(lock.name, f"does not pin {', '.join(missing)}", "make it anew: make lock"))
    return {
        "inputs": [entry for folder in raw for entry in _delivery(folder)],
        "code_sha256": _tree(code),
        "lock_sha256": sha256(lock),
        "packages": {name: versions[name] for name in SHOWN_PACKAGES},
        "python": "3.11 or later",
    }


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _delivery(folder: Path) -> list[dict[str, str]]:
    card = folder / "provenance.yaml"
    if not card.exists():
        raise BadInput(
            Problem(
                f"{folder.name}/provenance.yaml", "is missing", "say who made the data, the licence and how it was read"
            )
        )
    about = parse(f"{folder.name}/{card.name}", "provenance", load(card), Provenance)
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f != card)
    return [
        {"delivery": folder.name, "file": f.relative_to(folder).as_posix(), "sha256": sha256(f), **about.model_dump()}
        for f in files
    ]


def _tree(folders: Sequence[Path]) -> str:
    """One hash over the code: of 'sha256  path' lines, sorted by path."""
    files = sorted(
        (f for folder in folders for pattern in CODE for f in folder.rglob(pattern)), key=lambda f: f.as_posix()
    )
    lines = [f"{sha256(f)}  {f.as_posix()}" for f in files if ".ipynb_checkpoints" not in f.parts]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
