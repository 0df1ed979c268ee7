"""Covariance of dependent effects, robust inference: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.dependence import covariance

Case = dict[str, Any]
_LABELS = ("subgroup", "obs", "type", "time1", "time2", "grp1", "grp2", "w1", "w2", "phi")
_SYNONYMS = {"study": "cluster", "time": "time1", "g1": "grp1", "g2": "grp2", "outcome": "type"}


def vcalc(case: Case) -> Case:
    given = {_SYNONYMS.get(name, name): value for name, value in case.items()}
    if "rvars" in given:
        v = covariance.covariance_from_rows(given["vi"], given["cluster"], np.array(given["rvars"], dtype=float))
    else:
        options = {name: given[name] for name in _LABELS if given.get(name) is not None}
        rho = given.get("rho") if {"obs", "type"} & set(options) else None
        v = covariance.sampling_covariance(given["vi"], given["cluster"], rho=rho, **options)
    return {"V": v, "V_top10": v[:10, :10], "trace": np.trace(v), "sum": v.sum(), "logdet": np.linalg.slogdet(v)[1]}


ADAPTERS: dict[str, Callable[[Case], Case]] = {f.__name__: f for f in (vcalc,)}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {}
