"""The statistics beside what a user would otherwise use, in one run: python benchmarks/statistics.py

Beside statsmodels, and beside metafor and clubSandwich where Rscript finds them (Debian: r-cran-metafor,
r-cran-clubsandwich). Each figure is the best of several runs. Set OPENBLAS_NUM_THREADS=1 to compare on one core.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

from pipeline.meta.dependence.multilevel import three_level
from pipeline.meta.dependence.robust_variance import robust_variance
from pipeline.meta.dependence.satterthwaite import coefficient_tests
from pipeline.meta.influence.gosh import gosh
from pipeline.meta.influence.leave_one_out import leave_one_out
from pipeline.meta.moderators.permutation import permutation_test
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.small_study.selection_models import selection_model
from tests.golden.test_gold import answered

warnings.simplefilter("ignore")
FITS = 10_000
Data = Mapping[str, np.ndarray]


def gold(name: str) -> Data:
    """Data of a gold case: published, and of the size that the figure is quoted for."""
    given = answered(name)[0]["input"]
    return {k: np.asarray(given[k]) for k in ("yi", "vi", "cluster") if k in given} | {
        k: np.asarray(v) for k, v in given.get("mods", {}).items()
    }


def data() -> dict[str, Data]:
    """The data sets, by the name of the file that R reads."""
    rng = np.random.default_rng(20110)
    vi = rng.uniform(0.01, 0.2, (FITS, 20))
    many = {"yi": rng.normal(0.3, np.sqrt(vi + 0.05)), "vi": vi}
    fifty = {"yi": rng.normal(0.3, 0.4, 50), "vi": rng.uniform(0.01, 0.2, 50)}
    levels = gold("robust_mv_CR2_konstantopoulos2011")
    return {
        "many": many, "bcg": gold("metareg_bcg_ablat_REML"), "fifty": fifty,
        "gosh": {k: v[:14] for k, v in fifty.items()},
        "konstantopoulos": {"yi": levels["yi"], "vi": levels["vi"], "district": levels["cluster"],
                            "study": np.arange(len(levels["yi"]))},
    }  # fmt: skip


def ours(d: Mapping[str, Data]) -> dict[str, float]:
    """Seconds for each row of the table."""
    many, bcg, g, fifty, levels = (d[n] for n in ("many", "bcg", "gosh", "fifty", "konstantopoulos"))
    design = np.column_stack([np.ones(len(bcg["yi"])), bcg["ablat"]])
    fit = three_level(levels["yi"], levels["vi"], levels["district"])
    return {
        "fits": best(5, lambda: random_effects(many["yi"], many["vi"], interval="hk")),
        "permutation": best(5, lambda: permutation_test(bcg["yi"], bcg["vi"], design, rng=np.random.default_rng(1))),
        "gosh": best(5, lambda: gosh(g["yi"], g["vi"], estimator="EE")),
        "leave_one_out": best(20, lambda: leave_one_out(fifty["yi"], fifty["vi"], interval="wald")),
        "three_level": best(20, lambda: three_level(levels["yi"], levels["vi"], levels["district"])),
        "cr2": best(20, lambda: coefficient_tests(
            robust_variance(fit.y, fit.x, levels["district"], covariance=fit.marginal))),
        "selection": best(10, lambda: selection_model(
            bcg["yi"], bcg["vi"], steps=[0.025], alternative="less", start="no_selection")),
        "selection_highest": best(10, lambda: selection_model(
            bcg["yi"], bcg["vi"], steps=[0.025], alternative="less")),
    }  # fmt: skip


def in_statsmodels(many: Data, fits: int = 500) -> float:
    """Seconds for all fits, from a loop over some: DerSimonian-Laird, since it has no REML."""
    return (
        FITS
        / fits
        * best(
            1,
            lambda: [
                combine_effects(many["yi"][i], many["vi"][i], method_re="chi2").summary_frame() for i in range(fits)
            ],
        )
    )


def in_r(d: Mapping[str, Data]) -> dict[str, str]:
    """Lines of metafor.R; empty without Rscript or its packages."""
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        for name, columns in d.items():
            wide = {f"{name}_{k}": v for k, v in columns.items()} if name == "many" else {name: columns}
            for file, content in wide.items():
                table = content if isinstance(content, Mapping) else dict(enumerate(content[:200].T))
                lines = np.column_stack(list(table.values()))
                header = ",".join(map(str, table))
                np.savetxt(Path(folder) / f"{file}.csv", lines, delimiter=",", header=header, comments="", fmt="%.17g")
        script = str(Path(__file__).with_name("metafor.R"))
        run = subprocess.run(["Rscript", script, folder], capture_output=True, text=True, check=False)
    return dict(line.split(",", 1) for line in run.stdout.splitlines()) if run.returncode == 0 else {}


ROWS = {
    "fits": f"{FITS:,} REML fits of 20 studies, Hartung-Knapp",
    "permutation": "permutation test, 10,000 draws, 13 studies, one moderator",
    "gosh": "GOSH, 2^14 subsets, common effect",
    "leave_one_out": "leave-one-out, 50 studies, REML",
    "three_level": "three-level REML, 56 effects in 11 clusters",
    "cr2": "CR2 with Satterthwaite df of that fit",
    "selection": "selection model 3PSM, 13 studies, the maximum next to no selection",
    "selection_highest": "the same, the highest of several maxima",
}


def main() -> None:
    """Print the table of ratios."""
    d = data()
    mine, r = ours(d), in_r(d)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"R, metafor, clubSandwich: {r.get('version', 'not found')}")
    print("| Work | Here | Elsewhere | Ratio | What |")
    print("| --- | --: | --: | --: | --- |")
    loop = in_statsmodels(d["many"])
    print(line(ROWS["fits"], mine["fits"], loop, "statsmodels, DerSimonian-Laird, one at a time"))
    for name, words in ROWS.items():
        source = name.removesuffix("_highest")
        if source in r:
            times = FITS if name == "fits" else 1
            print(line(words, mine[name], float(r[source]) * times, "clubSandwich" if name == "cr2" else "metafor"))
        else:
            print(f"| {words} | {mine[name]:.4g} s | | | |")


def line(words: str, here: float, there: float, what: str) -> str:
    return f"| {words} | {here:.4g} s | {there:.4g} s | {there / here:,.0f} | {what} |"


def best(times: int, run: Callable[[], object]) -> float:
    """Seconds of the quickest run."""
    run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
