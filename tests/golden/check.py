"""Compare adapters with gold cases: `python tests/golden/check.py [--cases FOLDER] [--adapter MODULE:NAME]`.

A case asks one function, `fn`, for its `output` at its `input`. A number passes when |got - gold| <= tol |gold| +
max(1e-10, tol / 1000), with `tol_keys[key]` or the case's `tol`; null in a case is NA and must be None or NaN. A
function that the adapter does not have, or that raises NotImplementedError, is MISSING; any other exception an ERROR.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}
Adapters = Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]


class Wrong(NamedTuple):
    """One leaf of a case's output that does not agree."""

    path: str
    gold: object
    got: object
    why: str


class Outcome(NamedTuple):
    """What became of one case: PASS, FAIL, ERROR or MISSING."""

    name: str
    feature: str
    status: str
    note: str
    worst: float


def leaves(gold: Any, got: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Pairs of values of two structures; `...` stands for what is absent or of another shape."""
    got = got.tolist() if hasattr(got, "tolist") else got
    if isinstance(gold, dict):
        for key, value in gold.items():
            inner = got.get(key, ...) if isinstance(got, dict) else ...
            yield from leaves(value, inner, f"{path}.{key}" if path else key)
    elif isinstance(gold, list):
        if not isinstance(got, (list, tuple)) and len(gold) == 1 and got not in (..., None):
            got = [got]
        if not isinstance(got, (list, tuple)) or len(got) != len(gold):
            yield path, gold, ...
            return
        for i, value in enumerate(gold):
            yield from leaves(value, got[i], f"{path}[{i}]")
    else:
        if isinstance(got, (list, tuple)) and len(got) == 1:
            got = got[0].tolist() if hasattr(got[0], "tolist") else got[0]
        yield path, gold, got


def compare(case: Mapping[str, Any], got: Mapping[str, Any]) -> tuple[list[Wrong], float]:
    """Every value that does not agree, and the largest relative difference of all numbers."""
    wrong: list[Wrong] = []
    worst = 0.0
    for path, a, b in leaves(case["output"], got):
        key = path.split("[")[0].split(".")[-1]
        tol = case.get("tol_keys", {}).get(key, case.get("tol", 1e-8))
        why, apart = _difference(INFINITE.get(a, a) if isinstance(a, str) else a, b, tol)
        worst = max(worst, apart)
        if why:
            wrong.append(Wrong(path, a, None if b is ... else b, why))
    return wrong, worst


def _difference(gold: Any, got: Any, tol: float) -> tuple[str, float]:
    if got is ...:
        return "absent", 0.0
    if _is_na(gold) or _is_na(got):
        return ("" if _is_na(gold) and _is_na(got) else "NA on one side"), 0.0
    if isinstance(gold, (bool, str)) or isinstance(got, str):
        return ("" if str(gold).strip().lower() == str(got).strip().lower() else "text"), 0.0
    gold, got = float(gold), float(got)
    if math.isinf(gold) or math.isinf(got):
        return ("" if gold == got else "infinite"), 0.0
    apart = abs(gold - got)
    relative = apart / abs(gold) if abs(gold) > 1e-12 else 0.0
    return ("value" if apart > tol * abs(gold) + max(1e-10, tol * 1e-3) else ""), relative


def _is_na(x: object) -> bool:
    return x is None or (isinstance(x, float) and math.isnan(x))


def run(folder: Path, adapters: Adapters, feature: str = "") -> list[Outcome]:
    """Run the adapters over the cases of a folder."""
    cases = (json.loads(p.read_text()) for p in sorted(folder.glob("*.json")))
    return [_outcome(c, adapters) for c in cases if c["feature"].startswith(feature)]


def _outcome(case: dict[str, Any], adapters: Adapters) -> Outcome:
    name, feature = case["name"], case["feature"]
    if case["fn"] not in adapters:
        return Outcome(name, feature, "MISSING", "", 0.0)
    try:
        wrong, worst = compare(case, adapters[case["fn"]](case["input"]))
    except NotImplementedError as e:
        return Outcome(name, feature, "MISSING", str(e), 0.0)
    except Exception as e:
        return Outcome(name, feature, "ERROR", f"{type(e).__name__}: {e}", 0.0)
    return Outcome(name, feature, "FAIL" if wrong else "PASS", "; ".join(map(str, wrong[:2])), worst)


def report(outcomes: list[Outcome]) -> str:
    """A table by feature, and the cases that failed."""
    by: dict[str, list[Outcome]] = defaultdict(list)
    for o in outcomes:
        by[o.feature].append(o)
    lines = ["| feature | cases | pass | fail | error | missing | worst relative |", "|---|--:|--:|--:|--:|--:|--:|"]
    for feature, rows in sorted(by.items()):
        n = Counter(o.status for o in rows)
        counts = " | ".join(str(n[s]) for s in ("PASS", "FAIL", "ERROR", "MISSING"))
        lines.append(f"| {feature} | {len(rows)} | {counts} | {max(o.worst for o in rows):.1e} |")
    total = Counter(o.status for o in outcomes)
    lines += ["", f"total {len(outcomes)}: " + ", ".join(f"{k} {v}" for k, v in sorted(total.items()))]
    return "\n".join(lines + [f"{o.status} {o.name} {o.note}" for o in outcomes if o.status in ("FAIL", "ERROR")])


def main() -> int:
    """Run from the command line; 1 if a case fails or nothing was run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=Path(__file__).parent / "cases")
    parser.add_argument("--adapter", default="tests.golden.adapter:ADAPTERS")
    parser.add_argument("--feature", default="")
    args = parser.parse_args()
    sys.path.insert(0, str(Path.cwd()))
    module, _, name = args.adapter.partition(":")
    outcomes = run(args.cases, getattr(importlib.import_module(module), name), args.feature)
    print(report(outcomes))
    return int(not outcomes or any(o.status in ("FAIL", "ERROR") for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
