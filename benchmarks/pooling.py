"""Random-effects fits per second: one batched call beside a loop over statsmodels. Run: python benchmarks/pooling.py"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

from pipeline.meta.pooling.random_effects import random_effects

warnings.simplefilter("ignore")

FITS, LOOPED, STUDIES = 10_000, 500, 20


def main() -> None:
    """Print fits per second and their ratio."""
    rng = np.random.default_rng(20110)
    vi = rng.uniform(0.01, 0.2, (FITS, STUDIES))
    yi = rng.normal(0.3, np.sqrt(vi + 0.05))
    batched = FITS / _seconds(lambda: random_effects(yi, vi, interval="hk"))
    loop = LOOPED / _seconds(lambda: [_statsmodels(yi[i], vi[i]) for i in range(LOOPED)])
    print(f"{STUDIES} studies; batched REML {batched:,.0f} fits/s, statsmodels DerSimonian-Laird {loop:,.0f} fits/s")
    print(f"ratio {batched / loop:.1f}")


def _statsmodels(yi: np.ndarray, vi: np.ndarray) -> object:
    return combine_effects(yi, vi, method_re="chi2").summary_frame()


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
