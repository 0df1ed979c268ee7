"""Exact distribution of Cochran's Q when studies differ by a between-study variance tau2.

Q = sum of w (y - mean)^2 with w = 1 / v. With d = 1 + tau2 w its Laplace transform at p is the product over studies of
(1 + 2 p d)^(-1/2), over the root of the w-weighted mean of 1 / (1 + 2 p d). All its singularities lie on the negative
axis, where the contour of Talbot does not go: the inversion converges geometrically.
Biggerstaff & Jackson 2008, Stat Med 27:6093 (the distribution); Weideman 2006, SIAM J Numer Anal 44:2342 (the contour).
"""

from __future__ import annotations

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.guards import instance
from pipeline.meta.pooling.studies import Studies

CONTOUR = 28
_ANGLES = (2 * np.arange(CONTOUR // 2) + 1) * np.pi / CONTOUR
_PHI = 0.6407 * _ANGLES
_POINTS = CONTOUR * (-0.6122 + 0.5017 * _ANGLES / np.tan(_PHI) + 0.2645j * _ANGLES)
_SLOPES = CONTOUR * (0.5017 / np.tan(_PHI) - 0.5017 * _PHI / np.sin(_PHI) ** 2 + 0.2645j)


def q_cdf(s: Studies, tau2: FloatArray) -> FloatArray:
    """P(Q <= observed) at between-study variances (..., n), for studies (..., k). Absolute accuracy about 1e-12.

    Raises `InvalidInput` for anything but `Studies`, a tau2 that is negative or not finite, or leading axes that do not
    fit those of the studies.

    >>> from pipeline.meta.pooling.studies import studies
    >>> q_cdf(studies([0.1, 0.3, 0.9], [0.04, 0.05, 0.08]), np.array([0.0, 0.2])).round(4)
    array([0.9325, 0.44  ])
    """
    instance("s", s, Studies)
    t = np.atleast_1d(numbers("tau2", tau2, ge=0))
    try:
        np.broadcast_shapes(t.shape[:-1], s.y.shape[:-1])
    except ValueError:
        raise InvalidInput(f"shapes do not fit together: studies {s.y.shape}, tau2 {t.shape}") from None
    return np.clip(_invert(s, t, derivative=False), 0, 1)


def q_density_in_tau2(s: Studies, tau2: FloatArray) -> FloatArray:
    """Derivative of P(Q > observed) in tau2: the density of the confidence distribution of tau2."""
    return -_invert(s, tau2, derivative=True)


def _invert(s: Studies, tau2: FloatArray, *, derivative: bool) -> FloatArray:
    w = s.present / s.v
    share = w / w.sum(-1, keepdims=True)
    mean = np.sum(share * s.y, axis=-1)
    observed = np.sum(w * (s.y - mean[..., None]) ** 2, axis=-1)
    x = np.maximum(observed, 1e-20)[..., None]
    total = np.zeros(np.broadcast_shapes(tau2.shape, x.shape))
    for point, slope in zip(_POINTS, _SLOPES, strict=True):  # two dozen points of the contour
        p = (point / x)[..., None]
        d = 1 + tau2[..., None] * w[..., None, :]
        inverse = 1 / (1 + 2 * p * d)
        mixed = np.sum(share[..., None, :] * inverse, axis=-1)
        on = s.present[..., None, :] > 0
        roots = np.where(on, np.log(inverse), 0).sum(-1) / 2
        value = np.exp(roots) / np.sqrt(mixed) / point
        if derivative:
            falls = np.sum(2 * p * w[..., None, :] * inverse, axis=-1)
            bent = np.sum(share[..., None, :] * 2 * p * w[..., None, :] * inverse**2, axis=-1)
            value = value * (bent / mixed - falls) / 2
        total += np.imag(np.exp(point) * value * slope)
    return total * 2 / CONTOUR
