"""Guards that look at more than one array."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta import guards
from pipeline.meta.arrays import InvalidInput


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"yi \(3,\), tau2 \(2,\)"):
        guards.fitting({"yi": np.ones(3), "tau2": np.ones(2)})
    with pytest.raises(InvalidInput, match=r"null must be one number: found shape \(2,\)"):
        guards.spread("null", np.ones(2), ())
    with pytest.raises(InvalidInput, match=r"theta must fit the shape \(3,\): found shape \(2,\)"):
        guards.spread("theta", np.ones(2), (3,))


def test_objects_are_named() -> None:
    with pytest.raises(InvalidInput, match="fit must be a int or str \\(found NoneType\\)"):
        guards.instance("fit", None, int, str)
    guards.instance("fit", 3, int, str)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((2, 3)), r"must have shape \(\.\.\., p, p\)"),
        (1.0, "must have shape"),
        ([[1.0, 0.0], [0.0, 0.0]], r"the diagonal of vb\[1\] must be > 0"),
        ([[1.0, 1.0], [1.0, 1.0]], "not positive definite"),
        ([[1.0, 2.0], [2.0, 1.0]], "not positive definite"),
        ([[1.0, np.nan], [np.nan, 1.0]], "must be finite"),
    ],
)
def test_what_is_no_covariance(value: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        guards.covariance("vb", value)  # type: ignore[arg-type]


def test_variances_far_apart_are_a_covariance() -> None:
    v = np.array([[1e-30, 0.5e-10], [0.5e-10, 1e10]])
    assert guards.covariance("vb", v) is not None
    assert guards.definite(np.stack([v, np.ones((2, 2))])).tolist() == [True, False]


def test_memory_is_refused_before_it_is_taken() -> None:
    guards.affordable("a table", guards.MOST_NUMBERS)
    with pytest.raises(InvalidInput, match="a table would take"):
        guards.affordable("a table", guards.MOST_NUMBERS + 1)


def test_true_is_no_number() -> None:
    with pytest.raises(InvalidInput, match=r"subsets must be a int \(found bool\)"):
        guards.instance("subsets", True, int)
    guards.instance("small", True, bool)
