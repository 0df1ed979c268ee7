"""The tidy tables of all deliveries, in the order of preference that params.yaml gives under `sources`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import params, tables
from pipeline.errors import BadInput, Problem


def in_order(paths: Sequence[Path], params_file: Path) -> list[Path]:
    """The folders of the deliveries, the preferred one first.

    Parameters
    ----------
    paths : the folder of every delivery, or the one folder that holds them

    Raises
    ------
    BadInput
        A folder that `sources` does not name, or a source without a folder.
    """
    order = [str(name) for name in params.load(params_file).get("sources", {})]
    if len(paths) == 1 and paths[0].name not in order:
        return [paths[0] / name for name in order]
    given = {folder.name: folder for folder in paths}
    if strange := set(given) ^ set(order):
        fix = "name the same deliveries under `sources` and after --tidy"
        raise BadInput(Problem(params_file.name, "'sources' and the tidy folders differ", fix, value=min(strange)))
    return [given[name] for name in order]


def read_all(paths: Sequence[Path], table: tables.Table, params_file: Path) -> pd.DataFrame:
    """One table of every delivery, one below the other, the preferred delivery first."""
    folders = in_order(paths, params_file)
    return pd.concat([tables.read(folder / f"{table.name}.csv", table) for folder in folders], ignore_index=True)
