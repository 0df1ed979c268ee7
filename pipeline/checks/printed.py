"""What a printed number can have been before it was rounded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.meta.arrays import FloatArray

BoolArray = npt.NDArray[np.bool_]


def decimals(x: float) -> int:
    """Digits after the point in the shortest writing of `x`. Trailing zeros are lost in reading: a lower bound."""
    if not np.isfinite(x):
        return 0
    mantissa, _, exponent = f"{x!r}".partition("e")
    return max(0, len(mantissa.partition(".")[2].rstrip("0")) - int(exponent or 0))


def significant(x: float) -> int:
    """Significant digits in the shortest writing of `x`."""
    digits = f"{x!r}".partition("e")[0].replace(".", "").lstrip("-0")
    return len(digits.rstrip("0")) if "." not in f"{x!r}" else len(digits.removesuffix("0"))


def half_units(numbers: pd.DataFrame) -> FloatArray:
    """Half a unit of the last printed digit of each number, shape of `numbers`.

    Numbers printed side by side share their digits; a zero at the end of one is lost. Each is taken to have the digits
    of the second most precise of its row, or its own if more.
    """
    own = np.vectorize(decimals, otypes=[int])(numbers.to_numpy(dtype=float))
    common = np.sort(own, axis=1)[:, -2:-1]
    return np.asarray(0.5 * 10.0 ** -np.maximum(own, common), dtype=np.float64)


def off_centre(effect: FloatArray, lb: FloatArray, ub: FloatArray, half: FloatArray, ratio: BoolArray) -> FloatArray:
    """Least distance of an estimate from the middle of its interval that rounding leaves, over half the width.

    Parameters
    ----------
    effect, lb, ub : shape (k,)
    half : half units of the three, shape (k, 3)
    ratio : which are ratios, whose interval is centred on the logarithm (Cochrane Handbook 6.3.2), shape (k,)
    """
    with np.errstate(divide="ignore", invalid="ignore"):

        def scale(x: FloatArray) -> FloatArray:
            return np.where(ratio, np.log(np.maximum(x, 0)), x)

        e_lo, e_hi = scale(effect - half[:, 0]), scale(effect + half[:, 0])
        m_lo = (scale(lb - half[:, 1]) + scale(ub - half[:, 2])) / 2
        m_hi = (scale(lb + half[:, 1]) + scale(ub + half[:, 2])) / 2
        width = (scale(ub + half[:, 2]) - scale(np.where(ratio, np.maximum(lb, half[:, 1]), lb))) / 2
        gap = np.maximum(0, np.maximum(e_lo - m_hi, m_lo - e_hi))
        return np.asarray(gap / width)
