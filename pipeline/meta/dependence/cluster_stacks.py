"""Which effects belong together: clusters as stacks of equal size, so that a stack is one array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, labels


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of k effects.

    Attributes
    ----------
    labels : of the m clusters, in order of first appearance
    of : number of each effect's cluster, (k,)
    stacks : for each size s that occurs, the positions of the effects of the clusters of that size, (n_s, s)
    members : for each stack, the numbers of its clusters, (n_s,)
    """

    labels: tuple[object, ...]
    of: IntArray
    stacks: tuple[IntArray, ...]
    members: tuple[IntArray, ...]

    @property
    def m(self) -> int:
        """Number of clusters."""
        return len(self.labels)

    @property
    def sizes(self) -> IntArray:
        """Effects in each cluster, (m,)."""
        return np.bincount(self.of, minlength=self.m)


def clusters(cluster: ArrayLike, k: int, *, fewest: int = 1, largest_first: FloatArray | None = None) -> Clusters:
    """Group k effects by label.

    Parameters
    ----------
    cluster : label of each effect, (k,): numbers or text, none missing
    fewest : refuse fewer clusters than this
    largest_first : a value for each effect, (k,), by which the effects of a cluster are put into falling order

    Raises
    ------
    InvalidInput
        Another length, a missing label, or too few clusters.

    Examples
    --------
    >>> clusters(["b", "a", "b"], 3).labels
    ('b', 'a')
    """
    names, of = codes("cluster", cluster, k)
    if len(names) < fewest:
        raise InvalidInput(f"{len(names)} cluster is too few: {fewest} or more are needed")
    order = np.argsort(of, kind="stable") if largest_first is None else np.lexsort((-largest_first, of))
    sizes = np.bincount(of)
    starts = np.cumsum(sizes) - sizes
    stacks, members = [], []
    for size in np.unique(sizes):
        who = np.flatnonzero(sizes == size)
        members.append(who)
        stacks.append(order[starts[who, None] + np.arange(size)])
    return Clusters(names, of, tuple(stacks), tuple(members))


def codes(name: str, given: ArrayLike, k: int) -> tuple[tuple[object, ...], IntArray]:
    """Distinct labels in order of first appearance, and the number of each row's label, (k,).

    Raises
    ------
    InvalidInput
        Another length or a missing label.
    """
    listed = labels(name, given)
    if len(listed) != k or k == 0:
        raise InvalidInput(f"{name} must have one label for each of the {k} effects (found {len(listed)})")
    number = {label: i for i, label in enumerate(dict.fromkeys(listed))}
    return tuple(number), np.array([number[x] for x in listed], dtype=np.int64)


def block_diagonal(cluster: Clusters, covariance: FloatArray) -> FloatArray:
    """Covariance (..., k, k) with every entry between different clusters set to 0."""
    return np.where(cluster.of[:, None] == cluster.of[None, :], covariance, 0.0)


@dataclass(frozen=True, slots=True)
class Stack:
    """Clusters padded to one size s.

    Attributes
    ----------
    members : numbers of the n clusters
    index : positions of their effects, (n, s); 0 where a cluster has no such effect
    present : True where it has, (n, s)
    """

    members: IntArray
    index: IntArray
    present: NDArray[np.bool_]


_SMALL = 20_000  # entries: below this one padded stack is faster than several


def padded(cluster: Clusters) -> list[Stack]:
    """All clusters as few stacks: one if that is small, else one for each power of two of the size."""
    largest = int(cluster.sizes.max())
    one = cluster.m * largest**2 <= _SMALL
    groups: dict[int, list[int]] = {}
    for number, indices in enumerate(cluster.stacks):
        size = indices.shape[1]
        groups.setdefault(largest if one else 1 << (size - 1).bit_length(), []).append(number)
    return [_pad(cluster, numbers) for numbers in groups.values()]


def _pad(cluster: Clusters, numbers: list[int]) -> Stack:
    members = np.concatenate([cluster.members[i] for i in numbers])
    widest = max(cluster.stacks[i].shape[1] for i in numbers)
    index = np.zeros((len(members), widest), dtype=np.int64)
    present = np.zeros(index.shape, dtype=bool)
    start = 0
    for i in numbers:
        n, size = cluster.stacks[i].shape
        index[start : start + n, :size] = cluster.stacks[i]
        present[start : start + n, :size] = True
        start += n
    return Stack(members, index, present)
