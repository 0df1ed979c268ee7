"""Random effects of a model: who shares them, and how their levels covary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, choose, numbers
from pipeline.meta.dependence.cluster_stacks import codes
from pipeline.meta.dependence.covariance_structure import Levels, Structure, linear
from pipeline.meta.dependence.structures import STRUCTURES
from pipeline.meta.guards import instance


@dataclass(frozen=True, slots=True)
class Intercepts:
    """One random effect for each group: `~ 1 | groups`.

    Attributes
    ----------
    groups : label of each effect's group, (k,)
    correlation : known correlation of the groups, (g, g), in the order of `levels`; None for independent groups
    levels : labels of the rows of `correlation`
    """

    groups: ArrayLike
    correlation: ArrayLike | None = None
    levels: Sequence[object] = ()


@dataclass(frozen=True, slots=True)
class Correlated:
    """Random effects for the levels of a factor, correlated within each group: `~ inner | outer`.

    Attributes
    ----------
    inner : level of each effect (an outcome, an arm, a time), (k,)
    outer : label of each effect's group, (k,)
    structure : key of STRUCTURES
    """

    inner: ArrayLike
    outer: ArrayLike
    structure: str = "CS"


@dataclass(frozen=True, slots=True)
class Slopes:
    """Random coefficients of a design within each group: `~ x | outer`.

    Attributes
    ----------
    design : columns with random coefficients, (k, c), a column of ones for a random intercept included
    outer : label of each effect's group, (k,)
    structure : "UN" for any covariance of the coefficients (metafor's GEN), "DIAG" for independent ones (GDIAG)
    """

    design: ArrayLike
    outer: ArrayLike
    structure: str = "UN"


RandomTerm = Intercepts | Correlated | Slopes


@dataclass(frozen=True, slots=True)
class Term:
    """A random term ready to be fitted: effects i and j of one group covary by z_i'G z_j.

    Attributes
    ----------
    z : loadings, (k, m)
    level : the only level with loading 1, (k,); None for slopes
    group : number of each effect's group, (k,)
    groups : labels of the groups
    structure : of G
    labels : of the m levels
    intercepts : is it a variance (sigma2) and not a covariance of levels
    name : key of STRUCTURES
    levels : what the structure was made for
    """

    z: FloatArray
    level: IntArray | None
    group: IntArray
    groups: tuple[object, ...]
    structure: Structure
    labels: tuple[object, ...]
    intercepts: bool
    name: str
    levels: Levels

    def spread(self, g: FloatArray, rows: IntArray) -> FloatArray:
        """Covariance that G (..., m, m) gives to the effects of blocks, rows (b, n): (..., b, n, n)."""
        if self.level is not None:
            level = self.level[rows]
            return np.asarray(g[..., level[:, :, None], level[:, None, :]] * self.same(rows))
        z = self.z[rows]
        return (z @ g[..., None, :, :] @ np.swapaxes(z, -1, -2)) * self.same(rows)

    def gather(self, s: FloatArray, rows: IntArray) -> FloatArray:
        """Derivative with respect to G of a function whose derivative with respect to the covariance is s."""
        z = self.z[rows]
        return (np.swapaxes(z, -1, -2) @ (s * self.same(rows)) @ z).sum(-3)

    def same(self, rows: IntArray) -> FloatArray:
        """1 where two effects of a block share a group, (b, n, n)."""
        group = self.group[rows]
        return (group[:, :, None] == group[:, None, :]).astype(np.float64)


def ready(random: Sequence[RandomTerm], k: int) -> list[Term]:
    """Check the random terms of a model of k effects.

    Raises
    ------
    InvalidInput
        Anything but a sequence of random terms, labels that are too few, an unknown structure, one group, a single
        level where a correlation is asked.
    """
    if isinstance(random, str) or not isinstance(random, Sequence):
        raise InvalidInput(f"random must be a sequence of random terms (found {type(random).__name__})")
    for n, t in enumerate(random):
        instance(f"random[{n}]", t, Intercepts, Correlated, Slopes)
    return [_intercepts(t, k) if isinstance(t, Intercepts) else _within_groups(t, k) for t in random]


def nested(*labels: ArrayLike) -> list[Intercepts]:
    """`~ 1 | a / b / c`: intercepts of a, of b within a, and of c within b within a."""
    if not labels or np.ndim(labels[0]) != 1:
        raise InvalidInput("nested needs the labels of one or more levels, each (k,)")
    k = len(np.asarray(labels[0]))
    columns = [[names[i] for i in of] for of, names in (coded(f"labels[{n}]", x, k) for n, x in enumerate(labels))]
    within = [np.empty(k, dtype=object) for _ in columns]
    for n, groups in enumerate(within):
        groups[:] = list(zip(*columns[: n + 1], strict=True)) if n else columns[0]
    return [Intercepts(groups) for groups in within]


def coded(name: str, labels: ArrayLike, k: int) -> tuple[IntArray, list[Any]]:
    """Number of each effect's label among the sorted labels, and those."""
    names, of = codes(name, labels, k)
    text = any(isinstance(x, str) for x in names)
    order = sorted(range(len(names)), key=lambda i: str(names[i]) if text else names[i])  # type: ignore[arg-type,return-value]
    return np.argsort(order).astype(np.int64)[of], [names[i] for i in order]


def _intercepts(t: Intercepts, k: int) -> Term:
    group, labels = coded("groups", t.groups, k)
    if len(labels) < 2:
        raise InvalidInput(f"groups: all effects are of group {labels[0]!r}: a variance between groups needs two")
    one = Levels(np.zeros(1), np.ones((1, 1), dtype=bool))
    alone, none = STRUCTURES["ID"](one), np.zeros(k, dtype=np.int64)
    if t.correlation is None:
        return Term(np.ones((k, 1)), none, group, tuple(labels), alone, ("intercept",), True, "ID", one)
    r, names = numbers("correlation", t.correlation), list(t.levels)
    missing = [x for x in labels if x not in names]
    if r.shape != (len(names), len(names)) or missing:
        raise InvalidInput(f"correlation {r.shape} must have a row for each group; without one: {missing[:3]}")
    at = [names.index(x) for x in labels]
    known = linear(r[np.ix_(at, at)][None], np.ones((1, 1)), common_variance=True)
    return Term(np.eye(len(labels))[group], group, none, ("all",), known, tuple(labels), True, "known", one)


def _within_groups(t: Correlated | Slopes, k: int) -> Term:
    group, outer = coded("outer", t.outer, k)
    choose("structure", t.structure, STRUCTURES)
    if isinstance(t, Slopes):
        z = numbers("design", t.design)
        if z.ndim != 2 or len(z) != k:
            raise InvalidInput(f"the design of random slopes must have {k} rows (found shape {z.shape})")
        m = z.shape[1]
        levels = Levels(np.arange(m, dtype=np.float64), np.ones((1, m), dtype=bool))
        return Term(
            z, None, group, tuple(outer), STRUCTURES[t.structure](levels), tuple(range(m)), False, t.structure, levels
        )
    level, labels = coded("inner", t.inner, k)
    m = len(labels)
    if m < 2 and t.structure not in ("ID", "DIAG"):
        raise InvalidInput(f"structure {t.structure} needs two levels of the inner factor (found only {labels[0]!r})")
    times = numbers("inner", labels) if t.structure == "CAR" else np.arange(m, dtype=np.float64)
    met = np.zeros((int(group.max()) + 1, m), dtype=bool)
    met[group, level] = True
    levels = Levels(times, np.unique(met, axis=0))
    structure = STRUCTURES[t.structure](levels)
    return Term(np.eye(m)[level], level, group, tuple(outer), structure, tuple(labels), False, t.structure, levels)
