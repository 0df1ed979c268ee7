"""Measures on data sets and options that the gold cases do not have.

`known_answers/escalc_other_data.json` holds what escalc of metafor 3.8 (R 4.2.2) gives at full precision: data sets
of metadat and small made-up ones, zero cells under every rule, every documented `vtype`. Left out is what later
versions of the reference changed (variances of SMDH, SMD1H, SMCRH, PCOR, ZPCOR; corrections of ROM, ROMC, CVR), which
the gold cases have in the newer form. Fisher's z of PHI, RPB, RBIS and SPCOR is that of the reference's values, with
vi / (1 - yi^2)^2.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.meta.effect_sizes.measures import effect_size
from tests.golden.check import compare
from tests.golden.rooms.effect_sizes import escalc

CASES = json.loads((Path(__file__).parent / "known_answers" / "escalc_other_data.json").read_text(encoding="utf-8"))


def name(case: dict[str, Any]) -> str:
    return " ".join([case["measure"], case["source"], *(f"{k}={v}" for k, v in case["options"].items())])


@pytest.mark.parametrize("case", CASES, ids=name)
def test_measure_on_other_data(case: dict[str, Any]) -> None:
    wrong, _ = compare(case | {"tol": 1e-10}, escalc(case))
    assert not wrong, wrong[:3]


@pytest.mark.parametrize("measure", ["RTET", "ZTET"])
def test_tetrachoric_of_even_margins(measure: str) -> None:
    """Sheppard 1899: thresholds at the medians give P(both above) = 1/4 + arcsin(r) / 2 pi."""
    a = np.array([30.0, 26.0, 25.0, 11.0])
    r = np.sin(2 * np.pi * (a / 100 - 0.25))
    expected = np.arctanh(r) if measure == "ZTET" else r
    es = effect_size(measure, ai=a, bi=50 - a, ci=50 - a, di=a)
    assert es.yi == pytest.approx(expected, abs=1e-14)


def test_tetrachoric_where_the_reference_stopped_early() -> None:
    """The gold value of dat.bcg, study 1, solves the defining equation less well than ours, which is its root."""
    from scipy import integrate, special

    a, b, c, d = 4.0, 119.0, 11.0, 128.0
    n = a + b + c + d
    h, k = special.ndtri((a + b) / n), special.ndtri((a + c) / n)

    def gap(r: float) -> float:
        inner = lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * special.ndtr((k - r * x) / np.sqrt(1 - r * r))  # noqa: E731
        return integrate.quad(inner, -12, h, epsabs=1e-14, epsrel=1e-13, limit=400)[0] - a / n

    ours = float(effect_size("RTET", ai=a, bi=b, ci=c, di=d).yi)
    gold = -0.26314321437151
    assert abs(gap(ours)) < 1e-13 < 1e-7 < abs(gap(gold))
    assert ours == pytest.approx(gold, rel=1e-4)
