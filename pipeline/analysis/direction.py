"""Direction, settled once: every effect is stored as 'more of the outcome in arm 1'.

A scale may run against its outcome (hopelessness for hope); a source may print 'positive = better', 'intervention
minus control' or 'control v intervention'. Both are turned here and nowhere else.
"""

from __future__ import annotations

import pandas as pd

from pipeline.codebook import Codebook
from pipeline.vocabulary import Better

SIGN = {Better.HIGHER: 1.0, Better.LOWER: -1.0}


def scale_sign(outcome: str, instrument: str, book: Codebook) -> float:
    """+1 when the instrument runs with its outcome, -1 when against it."""
    wanted, scale = book.outcomes[outcome].better_is, _scale_direction(outcome, instrument, book)
    return 1.0 if wanted is None or scale is None or wanted is scale else -1.0


def printed_sign(outcome: str, instrument: str, claimed: str, inverted: bool, book: Codebook) -> float | None:
    """Factor from a printed difference (or log ratio) to 'more of the outcome in arm 1'; None when not settled.

    Parameters
    ----------
    claimed : code of effect_sign.csv
    inverted : the printed number is comparator against intervention
    """
    sign = book.effect_signs[claimed]
    if sign.favours_int in ("above_0", "above_1", "below_0", "below_1"):
        wanted = book.outcomes[outcome].better_is
        if wanted is None:
            return None
        return (1.0 if sign.favours_int.startswith("above") else -1.0) * SIGN[wanted]
    if claimed == "int_minus_ctl":
        return (-1.0 if inverted else 1.0) * scale_sign(outcome, instrument, book)
    return None


def claim_fits(outcome: str, claimed: str, inverted: bool, book: Codebook) -> bool:
    """Whether the claimed sign of a *ratio of events* agrees with the outcome's direction and the printed order."""
    sign, wanted = book.effect_signs[claimed].favours_int, book.outcomes[outcome].better_is
    if wanted is None or sign not in ("above_1", "below_1"):
        return False
    natural = (sign == "above_1") == (wanted is Better.HIGHER)
    return natural != inverted


def scale_signs(frame: pd.DataFrame, book: Codebook) -> pd.Series:
    """`scale_sign` for every row of a frame with `outcome` and `instrument`."""
    return pd.Series([scale_sign(o, i, book) for o, i in zip(frame["outcome"], frame["instrument"], strict=True)],
                     index=frame.index, dtype=float)  # fmt: skip


def _scale_direction(outcome: str, instrument: str, book: Codebook) -> Better | None:
    if instrument and book.instruments[instrument].better_is is not None:
        return book.instruments[instrument].better_is
    return book.outcomes[outcome].better_is
