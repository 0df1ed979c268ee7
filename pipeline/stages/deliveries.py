"""The tidy tables of all deliveries, in the order of preference that params.yaml gives under `sources`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import params, tables
from pipeline.errors import BadInput, Problem


def read_all(folders: Sequence[Path], table: tables.Table, params_file: Path) -> pd.DataFrame:
    """One table of every delivery, one below the other, the preferred delivery first.

    Raises
    ------
    BadInput
        A folder that `sources` does not name, or a source without a folder.
    """
    order = list(params.load(params_file).get("sources", {}))
    given = {folder.name: folder for folder in folders}
    if strange := set(given) ^ set(order):
        fix = "name the same deliveries under `sources` in params.yaml and after --tidy in dvc.yaml"
        raise BadInput(Problem(params_file.name, "'sources' and the tidy folders differ", fix, value=min(strange)))
    return pd.concat([tables.read(given[name] / f"{table.name}.csv", table) for name in order], ignore_index=True)
