"""Parts of the documents that are written from the code, the data and the tests: `python tests/contract/documents.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; NAME is a row of GENERATED.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [p for p in (str(ROOT), str(ROOT / "tests/contract")) if p not in sys.path]

from pipeline import tables  # noqa: E402
from pipeline.checks import CHECKS, form, gate  # noqa: E402
from pipeline.codebook_tables import OTHERS, REGISTRIES  # noqa: E402
from pipeline.schemas import TABLES  # noqa: E402
from pipeline.schemas.columns import Column  # noqa: E402
from pipeline.vocabulary import Severity  # noqa: E402

DOCUMENTS = ("README.md", "docs/methods.md", "docs/data.md", "docs/validation.md", "GLOSSARY.md", "data/README.md")
MARK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", flags=re.S)
QUESTION = "data/results/questions/<question>"
FILES = {
    **{t: f"data/tidy/deliveries/<delivery>/{t}.csv" for t in ("studies", "study_arms", "reported", "reading")},
    **{t: f"data/tidy/{t}.csv" for t in ("links", "issues")},
    "effects": "data/effects/effects.csv",
    **{t: f"{QUESTION}/{t}.csv" for t in ("studies_used", "pooled", "tests", "influence", "translated")},
    **{t: f"data/results/{t}.csv" for t in ("published", "overview")},
}
SEVERITIES = [s.value for s in (Severity.ERROR, Severity.EXCLUDE, Severity.WARNING, Severity.NOTE)]


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *([str(c).replace("|", "\\|") for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(" ".join(c.split()) for c in line) + " |" for line in lines)


def allowed(column: Column) -> str:
    """What a cell may hold, in words."""
    limits = ((">=", column.ge), (">", column.gt), ("<=", column.le))
    parts = ["; ".join(w for w in column.allowed if w)] if column.allowed else []
    parts += [" and ".join(f"{sign} {x:g}" for sign, x in limits if x is not None)]
    return "; ".join(p for p in (*parts, "not empty" if column.required else "may be empty") if p)


def schemas() -> str:
    out = []
    for name, t in TABLES.items():
        rows = [(f"`{c}`", x.kind, x.meaning, allowed(x)) for c, x in t.columns.items()]
        key = ", ".join(f"`{k}`" for k in t.key)
        out.append(f"### `{name}`\n\nFile: `{FILES[name]}`. One row per {key}.\n")
        out.append(table(("Column", "Kind", "Meaning", "Allowed"), rows) + "\n")
    return "\n".join(out)


def checks() -> str:
    rows = []
    for name, check in CHECKS.items():
        used = [getattr(inspect.getmodule(check), n, None) for n in check.__code__.co_names]
        severities = {s.value for s in used if isinstance(s, Severity)}
        if "exclude_if" in check.__code__.co_names:
            severities |= {"exclude", "warning"}
        if "FLAGS" in check.__code__.co_names:
            severities |= {s.value for _, s, _ in form.FLAGS}
        doc = " ".join(str(check.__doc__).split())
        rows.append((f"`{name}`", gate(check).value, ", ".join(s for s in SEVERITIES if s in severities), doc))
    return table(("Check", "Gate", "Severity", "What it finds"), rows) + "\n"


def deliveries() -> str:
    out = []
    for card in sorted((ROOT / "data/raw").glob("*/provenance.yaml")):
        about = yaml.safe_load(card.read_text(encoding="utf-8"))
        rows = [(key, about[key]) for key in about if key != "title"]
        out.append(
            f"### {about['title']}\n\nFolder: `data/raw/{card.parent.name}`\n\n"
            + table(("Field", "Content"), rows)
            + "\n"
        )
    return "\n".join(out)


def codebook_tables() -> str:
    rows = []
    for name, kind in {**REGISTRIES, **OTHERS}.items():
        frame = tables.read_csv(ROOT / "data/codebook" / f"{name}.csv")
        read = f"{(frame['verified'] == 'yes').sum()} of {len(frame)}" if "verified" in frame else ""
        first = " ".join(str(kind.__doc__).split("\n\n")[0].split())
        rows.append((f"`{name}.csv`", len(frame), read, first, ", ".join(f.name for f in dataclasses.fields(kind))))
    return table(("Table", "Rows", "Verified", "One row is", "Columns"), rows) + "\n"


def gold() -> str:
    from tests.golden.adapter import ADAPTERS
    from tests.golden.check import compare, leaves
    from tests.golden.test_gold import CASES

    by: dict[str, list[tuple[bool, float, float, float]]] = {}
    for path in CASES.values():
        case = json.loads(path.read_text())
        got = ADAPTERS[case["fn"]](case["input"])
        wrong, _ = compare(case, got)
        pairs = [(a, b) for _, a, b in leaves(case["output"], got) if isinstance(a, (int, float)) and b is not None]
        worst = max((abs(float(b) - a) / max(abs(a), 1e-3) for a, b in pairs), default=0.0)
        tolerances = [case["tol"], *case.get("tol_keys", {}).values()]
        by.setdefault(case["fn"], []).append((not wrong, min(tolerances), max(tolerances), worst))
    rows = [
        (f"`{fn}`", len(found), sum(ok for ok, *_ in found),
         " to ".join(dict.fromkeys(f"{t:g}" for t in (min(f[1] for f in found), max(f[2] for f in found)))),
         # the power of ten above it: the last digits depend on the processor
         f"below {10.0 ** np.ceil(np.log10(max(1e-12, max(f[3] for f in found if f[0])))):.0e}")
        for fn, found in sorted(by.items(), key=lambda item: (-len(item[1]), item[0]))
    ]  # fmt: skip
    rows.append(("all", *(sum(int(r[i]) for r in rows) for i in (1, 2)), "", ""))
    header = (
        "Function",
        "Cases",
        "Pass at the case's own tolerance",
        "Own tolerance, relative",
        "Largest difference of a case that passes",
    )
    return table(header, rows) + "\n"


def differences() -> str:
    from tests.golden.differs import DIFFERS, NOT_COMPARED

    rows = []
    for name, d in DIFFERS.items():
        keys = ", ".join(f"`{k}`" + ("" if tol == NOT_COMPARED else f" {tol:g}") for k, tol in d.keys.items())
        rows.append((f"`{name}`", keys, d.why, f"`{d.proof.replace('::', '`: `')}`"))
    return table(("Case", "Keys that differ, and by less than (relative)", "Why", "Proof"), rows) + "\n"


def coverage() -> str:
    found = json.loads((ROOT / "tests/simulation/coverage.json").read_text(encoding="utf-8"))
    methods = list(dict.fromkeys(m for r in found["results"] for m in r["coverage"]))
    rows = [
        (r["data"], r["k"], f"{r['tau2']:g}", f"1:{r['sizes']}",
         *(f"{100 * r['coverage'][m]:.1f}" if m in r["coverage"] else "" for m in methods))
        for r in found["results"]
    ]  # fmt: skip
    return table(("Data", "Trials", "tau²", "Sizes", *methods), rows) + "\n"


def parsed(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def numbers_of(node: ast.AST) -> Iterator[str]:
    """Printed values and tolerances: rows of a parametrization, and calls of `pytest.approx`."""
    for part in ast.walk(node):
        cells = [ast.unparse(e) for e in part.elts] if isinstance(part, ast.Tuple) else []
        if len(cells) == 3 and re.fullmatch(r"'\w+'", cells[0]) and re.fullmatch(r"[\d.e-]+", cells[2]):
            yield f"{cells[0][1:-1]} {cells[1]} ± {cells[2]}"
        if len(cells) == 2 and cells[0].startswith("(") and re.fullmatch(r"[\d.]+", cells[1]):
            yield cells[1]
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "pytest.approx":
            slack = {k.arg: ast.unparse(k.value) for k in part.keywords} or {"rel": "1e-06"}
            words = ", ".join(f"± {x}" + (" relative" if name == "rel" else "") for name, x in slack.items())
            if words != "± tolerance":
                yield f"{ast.unparse(part.args[0])} {words}".replace("printed ±", "each ±")


def known_answers() -> str:
    rows = []
    for node in parsed("tests/golden/test_known_answers.py").body:
        if isinstance(node, ast.ClassDef):
            found = re.search(r"(ka\d\d)\w*\.csv", ast.unparse(node))
            exact = re.findall(r"== \((\d+), (\d+)\)", ast.unparse(node))
            tests = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            values = [f"{n.name.removeprefix('test_').replace('_', ' ')}: {', '.join(numbers_of(n))}" for n in tests]
            values = [f"{b} of {a} rows agree" for a, b in exact] or values
            rows.append((found[1].upper() if found else "", ast.get_docstring(node), "; ".join(values)))
    for node in parsed("tests/golden/test_published_trials.py").body:
        if isinstance(node, ast.FunctionDef):
            label = node.name.removeprefix("test_").replace("_", " ")
            rows.append(("KA08", f"{label}: {ast.get_docstring(node)}", "; ".join(numbers_of(node))))
    return table(("Id", "Where it is printed", "Compared (printed value and tolerance)"), rows) + "\n"


def second_opinions() -> str:
    tree = parsed("tests/golden/test_second_opinion.py")
    names = {alias.asname or alias.name: n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)
             for alias in n.names}  # fmt: skip
    rows = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            calls = {ast.unparse(c.func) for c in ast.walk(node) if isinstance(c, ast.Call)}
            theirs = [names.get(c, "") + "." + c if c in names else c for c in sorted(calls)]
            theirs = [c for c in theirs if c.split(".")[0] in ("statsmodels", "pingouin", "scipy")]
            slack = sorted(set(re.findall(r"rel=([\de.-]+)", ast.unparse(node)))) or ["1e-06"]
            label = node.name.removeprefix("test_").replace("_", " ")
            rows.append((label, ", ".join(f"`{c}`" for c in theirs), ", ".join(slack)))
    return table(("Quantity", "Compared with", "Tolerance, relative"), rows) + "\n"


def defects() -> str:
    import test_named_defects as named

    rows = [(whose, row, f"`{check}`", severity, target) for check, row, severity, target, whose in named.DEFECTS]
    return table(("Defect", "Row", "Check", "Severity", "What is not used (or warned of)"), rows) + "\n"


def innocent() -> str:
    import test_named_defects as named

    return table(("Row that must pass", "Row", "Check"), ((w, r, f"`{c}`") for c, r, w in named.INNOCENT)) + "\n"


def questions() -> str:
    asked = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["questions"]
    return table(("Question", "Report"), ((q["title"], f"`{key}.pdf`") for key, q in asked.items())) + "\n"


GENERATED: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (
        schemas,
        checks,
        deliveries,
        codebook_tables,
        gold,
        differences,
        coverage,
        known_answers,
        second_opinions,
        defects,
        innocent,
        questions,
    )
}


def renewed(text: str) -> str:
    """A document with its generated parts made anew."""
    return MARK.sub(lambda m: f"{m[1]}\n{GENERATED[m[2]]()}\n{m[3]}", text)


if __name__ == "__main__":
    for document in DOCUMENTS:
        path = ROOT / document
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"wrote {document}")
