"""Large-sample standard errors of the between-study variance, by estimator.

Moment estimators are a quadratic form y'Ay, whose variance is 2 tr(A S A S) with S = V + tau2 I (Searle 1971, p. 57);
likelihood estimators use the expected information (Viechtbauer 2005).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.pooling.studies import Studies
from pipeline.meta.pooling.tau2 import moment


def tau2_se(s: Studies, tau2: FloatArray, estimator: str) -> FloatArray:
    """Standard error of tau2, shape (...); NaN for the common-effect model and where k = p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(s.df > 0, _SE[estimator](s, tau2), np.nan)


def _total(s: Studies, tau2: FloatArray) -> FloatArray:
    return s.v + tau2[..., None]


def _quadratic(s: Studies, tau2: FloatArray, a: FloatArray) -> FloatArray:
    return np.sqrt(2 * s.weighted(a).trace_squared(_total(s, tau2)))


def _moment(s: Studies, tau2: FloatArray, a: FloatArray) -> FloatArray:
    return _quadratic(s, tau2, a) / s.weighted(a).trace()


def _hunter_schmidt(s: Studies, tau2: FloatArray) -> FloatArray:
    return _quadratic(s, tau2, 1 / s.v) / np.sum(s.present / s.v, -1)


def _generalised(s: Studies, tau2: FloatArray) -> FloatArray:
    return _moment(s, tau2, np.ones(s.v.shape) if s.a is None else s.a)


def _sidik_jonkman(s: Studies, tau2: FloatArray) -> FloatArray:
    mean = np.sum(s.present * s.y, -1) / s.k
    crude = np.sum(s.present * (s.y - mean[..., None]) ** 2, -1) / s.k
    return _quadratic(s, tau2, 1 / _total(s, crude)) * crude / s.df


def _empirical_bayes(s: Studies, tau2: FloatArray) -> FloatArray:
    """Variance 2 (k - p) of y'Py over the square of (k - p) / k sum(w), its slope in tau2 as Berkey 1995 weights it."""
    return np.sqrt(2 * s.df) * s.k / s.df / np.sum(s.present / _total(s, tau2), -1)


def _reml(s: Studies, tau2: FloatArray) -> FloatArray:
    return np.sqrt(2 / s.fit(tau2).trace_squared())


def _ml(s: Studies, tau2: FloatArray) -> FloatArray:
    return np.sqrt(2 / np.sum((s.present / _total(s, tau2)) ** 2, -1))


_SE: dict[str, Callable[[Studies, FloatArray], FloatArray]] = {
    "REML": _reml,
    "ML": _ml,
    "DL": lambda s, t: _moment(s, t, 1 / s.v),
    "PM": _empirical_bayes,
    "PMM": _empirical_bayes,
    "EB": _empirical_bayes,
    "DLIT": _empirical_bayes,
    "SJIT": _empirical_bayes,
    "SJ": _sidik_jonkman,
    "HE": lambda s, t: _moment(s, t, np.ones(s.v.shape)),
    "HS": _hunter_schmidt,
    "HSk": lambda s, t: _hunter_schmidt(s, t) * s.k / s.df,
    "GENQ": _generalised,
    "GENQM": _generalised,
    "DL2": lambda s, t: _moment(s, t, 1 / _total(s, moment(s, 1 / s.v))),
    "HE2": lambda s, t: _moment(s, t, 1 / _total(s, moment(s, np.ones(s.v.shape)))),
    "REML_FS": _reml,
    "ML_FS": _ml,
    "EE": lambda s, t: np.full(s.k.shape, np.nan),
}
