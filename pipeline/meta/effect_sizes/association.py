"""Association of two yes-or-no variables in a two-by-two table: phi, Yule's Q and Y, the tetrachoric correlation.

`add`, `to` and `drop00` as in `events`. NaN where no finite effect or variance exists.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput
from pipeline.meta.effect_sizes.effect import EffectSize, finite
from pipeline.meta.effect_sizes.events import odds_ratio
from pipeline.meta.effect_sizes.tetrachoric import tetrachoric
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, correct_zeros

SAMPLINGS = ("ST", "CS")


def phi_coefficient(
    table: TwoByTwo,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = False,
    vtype: str | Sequence[str] = "CS",
) -> EffectSize:
    """Phi coefficient.

    Parameters
    ----------
    vtype : sampling of the people, one for all studies or one each: "CS" cross-sectional, all four cells multinomial
        (Bishop, Fienberg & Holland 1975); "ST" stratified, the two rows fixed (delta method from the risks)

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> phi_coefficient(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.2182
    """
    t = correct_zeros(table, add, to, drop00)
    first, second = t.ai + t.ci, t.bi + t.di
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = (t.ai * t.di - t.bi * t.ci) / np.sqrt(t.n1i * t.n2i * first * second)
        vi = np.where(stratified(vtype), _fixed_rows(t), _multinomial(t, phi))
        return finite(phi, vi)


def stratified(vtype: str | Sequence[str]) -> np.ndarray:
    """Whether each study's `vtype` is "ST" (rows fixed) and not "CS". Raises `InvalidInput` for anything else.

    >>> stratified(["ST", "CS"]).tolist()
    [True, False]
    """
    given = np.asarray(vtype)
    for name in np.unique(given):
        if name not in SAMPLINGS:
            raise InvalidInput(f"vtype {str(name)!r} is not known; choose from {', '.join(SAMPLINGS)}")
    return given == "ST"


def _multinomial(t: TwoByTwo, phi: FloatArray) -> FloatArray:
    n = t.n1i + t.n2i
    p, q = t.n1i * t.n2i / n**2, (t.ai + t.ci) * (t.bi + t.di) / n**2
    gap_p, gap_q = (t.n1i - t.n2i) / n, (t.ai + t.ci - t.bi - t.di) / n
    skew = phi * (1 + phi**2 / 2) * gap_p * gap_q / np.sqrt(p * q)
    return (1 - phi**2 + skew - 0.75 * phi**2 * (gap_p**2 / p + gap_q**2 / q)) / n


def _fixed_rows(t: TwoByTwo) -> FloatArray:
    first, second = t.ai + t.ci, t.bi + t.di
    root = np.sqrt(t.n1i * t.n2i / (first * second))
    risk1, risk2 = t.ai / t.n1i, t.ci / t.n2i
    bend = root * (risk1 - risk2) * (second - first) / (2 * first * second)
    v1, v2 = risk1 * (1 - risk1) / t.n1i, risk2 * (1 - risk2) / t.n2i
    return (root - bend * t.n1i) ** 2 * v1 + (root + bend * t.n2i) ** 2 * v2


def yule_q(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Yule's Q, (OR - 1) / (OR + 1). Yule 1912, J R Stat Soc 75:579.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> yule_q(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.4545
    """
    log_or = odds_ratio(table, add=add, to=to, drop00=drop00)
    q = np.tanh(log_or.yi / 2)
    return EffectSize(q, (1 - q**2) ** 2 / 4 * log_or.vi)


def yule_y(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Yule's Y, (sqrt(OR) - 1) / (sqrt(OR) + 1). Yule 1912.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> yule_y(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.2404
    """
    log_or = odds_ratio(table, add=add, to=to, drop00=drop00)
    y = np.tanh(log_or.yi / 4)
    return EffectSize(y, (1 - y**2) ** 2 / 16 * log_or.vi)


def tetrachoric_correlation(
    table: TwoByTwo, *, add: float = 0.0, to: str = "only0", drop00: bool = False
) -> EffectSize:
    """Tetrachoric correlation of a table. Pearson 1900, Phil Trans R Soc A 195:1.

    1 or -1, with a variance of NaN, where one cell of a diagonal is empty; NaN where a margin is empty.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> tetrachoric_correlation(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.3549
    """
    t = correct_zeros(table, add, to, drop00)
    r, v, _ = tetrachoric(np.asarray(t.ai), np.asarray(t.bi), np.asarray(t.ci), np.asarray(t.di))
    return EffectSize(r[()], v[()])


def fisher_z_phi(
    table: TwoByTwo,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = False,
    vtype: str | Sequence[str] = "CS",
) -> EffectSize:
    """Fisher's z of `phi_coefficient`, for pooling with other z values; it does not stabilise the variance here.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> fisher_z_phi(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.2218
    """
    return to_fisher_z(phi_coefficient(table, add=add, to=to, drop00=drop00, vtype=vtype))


def fisher_z_tetrachoric(table: TwoByTwo, *, add: float = 0.0, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Fisher's z of `tetrachoric_correlation`. NaN where that is 1 or -1.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> fisher_z_tetrachoric(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.371
    """
    return to_fisher_z(tetrachoric_correlation(table, add=add, to=to, drop00=drop00))


def to_fisher_z(correlation: EffectSize) -> EffectSize:
    """Any correlation and its variance on Fisher's z scale, by the delta method.

    >>> to_fisher_z(EffectSize(0.5, 0.01)).vi.round(6).item()
    0.017778
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(np.arctanh(correlation.yi), correlation.vi / (1 - np.square(correlation.yi)) ** 2)
