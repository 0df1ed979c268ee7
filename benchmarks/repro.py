"""How long a run takes: from nothing, unchanged, one question changed. Run by hand: python benchmarks/repro.py

Works on a clone of the last commit in a temporary folder, with the packages of the running environment.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print one line per kind of run."""
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        print(f"from nothing          {_repro(clone):6.1f} s")
        print(f"unchanged             {_repro(clone):6.1f} s")
        params = clone / "params.yaml"
        text = params.read_text(encoding="utf-8")
        params.write_text(re.sub(r"target_weeks: 26", "target_weeks: 30", text, count=1), encoding="utf-8")
        before = _times(clone)
        print(f"one question changed  {_repro(clone):6.1f} s")
        redone = [name for name, at in _times(clone).items() if before.get(name) != at]
        print(f"reports rendered again: {', '.join(redone)}")


def _repro(clone: Path) -> float:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "PYTHONPATH": str(clone)}
    start = time.perf_counter()
    subprocess.run(["dvc", "repro", "--quiet"], cwd=clone, env=env, check=True)
    return time.perf_counter() - start


def _times(clone: Path) -> dict[str, int]:
    return {f.name: f.stat().st_mtime_ns for f in sorted((clone / "reports").glob("*.pdf"))}


if __name__ == "__main__":
    main()
