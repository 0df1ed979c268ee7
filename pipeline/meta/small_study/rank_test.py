"""Small-study effects by rank correlation: Kendall's tau of standardised effects with their variances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, numbers
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo
from pipeline.meta.guards import affordable, fitting, instance
from pipeline.meta.pooling.studies import studies
from pipeline.meta.reference import two_sided_p
from pipeline.meta.small_study.event_tests import refuse_uninformative, taking_part

EXACT_UP_TO = 300  # studies: beyond, the normal approximation differs by less than one part in a thousand


@dataclass(frozen=True, slots=True)
class RankTest:
    """Rank correlation test for funnel plot asymmetry; every field has the batch's shape (...).

    Attributes
    ----------
    tau : Kendall's tau-b; NaN where all values are tied
    p : two-sided; exact where there are no ties and at most 300 studies, else normal; 1 where all values are tied
    z : Kendall's score over its standard deviation (with ties, Kendall & Gibbons 1990), no continuity correction;
        NaN where all values are tied
    z_p : its two-sided p
    """

    tau: FloatArray
    p: FloatArray
    z: FloatArray
    z_p: FloatArray


def begg(yi: ArrayLike, vi: ArrayLike, *, mask: ArrayLike | None = None) -> RankTest:
    """Begg & Mazumdar 1994, Biometrics 50:1088: effects centred at the common effect over their own standard error.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        Fewer than 3 studies, unequal lengths, a variance <= 0.

    Examples
    --------
    >>> t = begg([0.9, 0.6, 0.5, 0.2], [0.20, 0.10, 0.05, 0.01])
    >>> round(float(t.tau), 4), round(float(t.p), 4)
    (1.0, 0.0833)
    """
    s = studies(yi, vi, mask=mask)
    w = s.present / s.v
    others = w @ (1 - np.eye(w.shape[-1]))  # v - 1/sum(w) without the loss of digits where one study dominates
    total = w.sum(-1, keepdims=True)
    centre = np.sum(w * s.y, -1, keepdims=True) / total
    with np.errstate(divide="ignore", invalid="ignore"):  # a single study is refused below
        z = (s.y - centre) / np.sqrt(s.v * others / total)
    return kendall(np.where(s.present > 0, z, 0.0), s.v, s.present > 0)


def schwarzer(table: TwoByTwo, *, mask: ArrayLike | None = None) -> RankTest:
    """Rank test for sparse events: (a - E a) / sd(a) with the inverse variance of a.

    Mean and variance of `a` given the margins are those of the non-central hypergeometric distribution at the
    Mantel-Haenszel odds ratio. Schwarzer, Antes & Schumacher 2007, Stat Med 26:721.

    Raises
    ------
    InvalidInput
        Fewer than 3 tables, a table without any event or with events only, a Mantel-Haenszel odds ratio of 0 or
        infinity.
    """
    instance("table", table, TwoByTwo)
    on = taking_part(table, mask)
    n = table.n1i + table.n2i
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sum(on * table.ai * table.di / n, -1) / np.sum(on * table.bi * table.ci / n, -1)
    ratio = numbers("Mantel-Haenszel odds ratio", ratio, gt=0)
    mean, variance = conditional_moments(table, ratio[..., None])
    events, n = table.ai + table.ci, table.n1i + table.n2i
    refuse_uninformative(on & ((events == 0) | (events == n)))
    v = numbers("conditional variance of ai", np.where(on, variance, 1.0), gt=0)
    return kendall(np.where(on, table.ai - mean, 0.0) / np.sqrt(v), 1 / v, on)


def kendall(x: FloatArray, y: FloatArray, on: BoolArray) -> RankTest:
    """Kendall's rank correlation along the last axis; `on` is True for the pairs that take part."""
    k = on.sum(-1)
    if k.min() < 3:
        raise InvalidInput(f"a rank test needs at least 3 studies (found {k.min()})")
    both = on[..., :, None] & on[..., None, :]
    sx = np.where(both, np.sign(x[..., :, None] - x[..., None, :]), 0.0)
    sy = np.where(both, np.sign(y[..., :, None] - y[..., None, :]), 0.0)
    score = np.sum(sx * sy, axis=(-2, -1)) / 2
    tx, ty = (np.where(on, np.sum(both & (s == 0), -1), 1).astype(np.float64) for s in (sx, sy))
    pairs = k * (k - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = score / np.sqrt((pairs - _tied(tx, 1) / 2) * (pairs - _tied(ty, 1) / 2))
        z = score / np.sqrt(_score_variance(k.astype(np.float64), tx, ty))
    z_p = two_sided_p(z, np.nan)
    exact = ((tx == 1) & (ty == 1)).all(-1) & (k <= EXACT_UP_TO)
    p = np.where(np.isnan(z), 1.0, np.where(exact, _exact_p(score, k), z_p))
    return RankTest(tau[()], p[()], z[()], z_p[()])


def conditional_moments(table: TwoByTwo, odds_ratio: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of `ai` given the margins at an odds ratio: Fisher's non-central hypergeometric distribution.

    Sums over all tables with these margins, so memory grows with the number of events. Counts must be whole.

    Parameters
    ----------
    table : (..., k)
    odds_ratio : > 0, broadcast with the tables

    Raises
    ------
    InvalidInput
        No `TwoByTwo`, an odds ratio <= 0, shapes that do not fit, more possible tables than memory holds.
    """
    instance("table", table, TwoByTwo)
    ratio, _ = fitting({"odds_ratio": numbers("odds_ratio", odds_ratio, gt=0), "table": table.ai})
    lowest = np.maximum(0.0, table.ai - table.di)  # ai + ci - n2i
    size = np.minimum(table.n1i, table.ai + table.ci) - lowest
    affordable("all tables with these margins", ratio.size * (int(size.max()) + 1))
    step = np.arange(int(size.max()) + 1)
    a = np.minimum(lowest[..., None] + step, (lowest + size)[..., None])
    cells = (a, (table.n1i)[..., None] - a, (table.ai + table.ci)[..., None] - a, (table.di - table.ai)[..., None] + a)
    log_weight = a * np.log(ratio)[..., None] - sum(special.gammaln(c + 1) for c in cells)
    log_weight = np.where(step <= size[..., None], log_weight, -np.inf)
    weight = special.softmax(log_weight, axis=-1)
    mean = np.sum(weight * a, -1)
    return mean, np.sum(weight * (a - mean[..., None]) ** 2, -1)


def _tied(t: FloatArray, order: int) -> FloatArray:
    """Sum over groups of ties of t (t-1) ... ; each member of a group of size t carries its share 1/t."""
    falling = {1: t - 1, 2: (t - 1) * (t - 2), 3: (t - 1) * (2 * t + 5)}[order]
    return np.asarray(falling.sum(-1))


def _score_variance(k: FloatArray, tx: FloatArray, ty: FloatArray) -> FloatArray:
    """Variance of Kendall's score with ties in both rankings. Kendall & Gibbons 1990, Rank Correlation Methods."""
    plain = (k * (k - 1) * (2 * k + 5) - _tied(tx, 3) - _tied(ty, 3)) / 18
    single = _tied(tx, 1) * _tied(ty, 1) / (2 * k * (k - 1))
    double = _tied(tx, 2) * _tied(ty, 2) / (9 * k * (k - 1) * (k - 2))
    return np.asarray(plain + single + double)


def _exact_p(score: FloatArray, k: FloatArray) -> FloatArray:
    """Two-sided p from the exact distribution of the number of concordant pairs."""
    out = np.ones(np.shape(score))
    for size in np.unique(k[k <= EXACT_UP_TO]):
        cumulated = np.concatenate([[0.0], np.cumsum(_concordant_pairs(int(size)))])
        at = np.clip(np.rint((score + size * (size - 1) / 2) / 2).astype(int), 0, len(cumulated) - 2)
        lower, upper = cumulated[at + 1], 1 - cumulated[at]
        # the distribution is symmetric: the smaller tail is read from below, where nothing cancels
        small = np.minimum(lower, cumulated[len(cumulated) - 1 - at])
        out = np.where(k == size, np.minimum(1.0, 2 * np.minimum(small, np.maximum(upper, small))), out)
    return out


@lru_cache(maxsize=64)
def _concordant_pairs(k: int) -> FloatArray:
    """Probabilities of 0, 1, ..., k (k-1) / 2 concordant pairs of two random rankings. Kendall 1938, Biometrika 30."""
    p = np.ones(1)
    for i in range(2, k + 1):
        p = np.convolve(p, np.full(i, 1 / i))
    return p
