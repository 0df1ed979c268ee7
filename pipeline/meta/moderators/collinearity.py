"""Variance inflation: how much a coefficient's variance grows because moderators go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.guards import covariance, instance
from pipeline.meta.moderators.design import Design


@dataclass(frozen=True, slots=True)
class Inflation:
    """Generalised variance inflation of each set of coefficients, (..., sets).

    Attributes
    ----------
    gvif : factor on the squared volume of the set's confidence region; the VIF of a single coefficient
    gsif : gvif^(1 / 2m) for m coefficients, comparable between sets: the factor on a standard error
    m : coefficients in each set
    """

    gvif: FloatArray
    gsif: FloatArray
    m: tuple[int, ...]


def variance_inflation(
    vb: ArrayLike, sets: Sequence[Sequence[int]] | None = None, *, intercept: bool = True
) -> Inflation:
    """GVIF = det R11 det R22 / det R, with R the correlation of the coefficients but the intercept.

    R11 belongs to the set, R22 to the others. Fox & Monette 1992, J Am Stat Assoc 87:178.

    Parameters
    ----------
    vb : covariance of the coefficients, (..., p, p), positive definite
    sets : columns (0-based) that belong together; None for each coefficient alone
    intercept : is the first coefficient an intercept

    Raises
    ------
    InvalidInput
        No coefficient but the intercept; a variance <= 0 or coefficients that determine one another; a set that is
        empty, holds the intercept or a column that is not there.

    Examples
    --------
    >>> v = [[1.0, 0, 0], [0, 0.04, 0.03], [0, 0.03, 0.09]]
    >>> [round(float(x), 4) for x in variance_inflation(v).gvif]
    [1.3333, 1.3333]
    """
    v = numbers("vb", vb)
    p = v.shape[-1] if v.ndim > 1 else 0
    first = int(intercept)
    if p <= first or v.shape[-2] != p:
        raise InvalidInput(f"vb must be (..., p, p) with a coefficient besides the intercept (found {v.shape})")
    for n, g in enumerate(() if sets is None else sets):
        if isinstance(g, str) or not isinstance(g, Sequence) or not all(isinstance(j, (int, np.integer)) for j in g):
            raise InvalidInput(f"sets[{n}] must be a sequence of columns (found {g!r})")
    groups = [[j] for j in range(first, p)] if sets is None else [sorted(set(g)) for g in sets]
    for g in groups:
        if not g or g[0] < first or g[-1] >= p:
            raise InvalidInput(f"a set must hold columns between {first} and {p - 1} (found {g})")
    v = covariance("vb of the coefficients but the intercept", v[..., first:, first:])
    sd = np.sqrt(np.diagonal(v, axis1=-2, axis2=-1))
    r = v / (sd[..., :, None] * sd[..., None, :])
    every = range(p - first)
    own = [[j - first for j in g] for g in groups]
    logs = [_log_det(r, g) + _log_det(r, [j for j in every if j not in g]) - _log_det(r, list(every)) for g in own]
    size = tuple(len(g) for g in groups)
    log = np.stack(logs, axis=-1)
    return Inflation(np.exp(log), np.exp(log / (2 * np.array(size))), size)


def inflation_by_term(made: Design, vb: ArrayLike) -> dict[str, float | FloatArray]:
    """GVIF of each term of a design but the intercept, by name. Raises `InvalidInput` as `variance_inflation`.

    Examples
    --------
    >>> from pipeline.meta.moderators.design import design
    >>> d = design("~ kind", {"kind": ["a", "b", "c", "c"]})
    >>> inflation_by_term(d, np.eye(3))
    {'kind': 1.0}
    """
    instance("made", made, Design)
    terms = [t for t in made.terms if t != "intrcpt"]
    found = variance_inflation(vb, [made.columns_of(t) for t in terms], intercept="intrcpt" in made.terms)
    return {t: found.gvif[..., i].item() if found.gvif.ndim == 1 else found.gvif[..., i] for i, t in enumerate(terms)}


def _log_det(r: FloatArray, columns: list[int]) -> FloatArray:
    part = r[..., columns, :][..., columns]
    return np.asarray(np.linalg.slogdet(part)[1], dtype=np.float64)
