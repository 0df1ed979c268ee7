"""Which test for funnel asymmetry fits which measure. To add a measure: a row of ASYMMETRY_TESTS.

Sterne et al. 2011, BMJ 343:d4002 (mean differences: Egger; odds ratios: Harbord, Peters, or the arcsine test of Ruecker
where tau2 is large; no recommendation for risk ratios and risk differences); Pustejovsky & Rodgers 2019, Res Synth
Methods 10:57 (SMD); Deeks, Macaskill & Irwig 2005, J Clin Epidemiol 58:882 (diagnostic odds ratios).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo
from pipeline.meta.guards import fitting, instance
from pipeline.meta.small_study.event_tests import deeks, harbord, peters, rucker
from pipeline.meta.small_study.rank_test import RankTest, begg, schwarzer
from pipeline.meta.small_study.regression_tests import (
    RegressionTest,
    egger,
    macaskill,
    pustejovsky_rodgers,
    thompson,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What tests may ask of a set of studies, each (..., k); None where it is not known.

    Attributes
    ----------
    yi, vi : effects and sampling variances
    n1i, n2i : people in each group
    table : two-by-two tables
    mask : True where a study takes part
    level : of the interval of the limit, percent
    """

    yi: ArrayLike
    vi: ArrayLike
    n1i: ArrayLike | None = None
    n2i: ArrayLike | None = None
    table: TwoByTwo | None = None
    mask: ArrayLike | None = None
    level: float = 95

    def groups(self) -> tuple[ArrayLike, ArrayLike]:
        """Group sizes, from the tables if need be."""
        if self.n1i is not None and self.n2i is not None:
            return self.n1i, self.n2i
        table = self.counts()
        return table.n1i, table.n2i

    def people(self) -> FloatArray:
        """People in both groups."""
        n1, n2 = self.groups()
        groups = fitting({"n1i": numbers("n1i", n1, gt=0), "n2i": numbers("n2i", n2, gt=0)})
        return np.asarray(groups[0] + groups[1])

    def counts(self) -> TwoByTwo:
        """The tables."""
        if self.table is None:
            raise InvalidInput("this test needs n1i and n2i, or the two-by-two tables")
        instance("table", self.table, TwoByTwo)
        return self.table


FUNNEL_TESTS: dict[str, Callable[[Evidence], RegressionTest | RankTest]] = {
    "Begg": lambda e: begg(e.yi, e.vi, mask=e.mask),
    "Egger": lambda e: egger(e.yi, e.vi, level=e.level, mask=e.mask),
    "Thompson": lambda e: thompson(e.yi, e.vi, level=e.level, mask=e.mask),
    "Pustejovsky": lambda e: pustejovsky_rodgers(e.yi, e.vi, *e.groups(), level=e.level, mask=e.mask),
    "Macaskill": lambda e: macaskill(e.yi, e.vi, e.people(), level=e.level, mask=e.mask),
    "Peters": lambda e: peters(e.yi, e.counts(), level=e.level, mask=e.mask),
    "Harbord": lambda e: harbord(e.counts(), level=e.level, mask=e.mask),
    "Deeks": lambda e: deeks(e.yi, e.counts(), level=e.level, mask=e.mask),
    "Schwarzer": lambda e: schwarzer(e.counts(), mask=e.mask),
    "Rucker": lambda e: rucker(e.counts(), level=e.level, mask=e.mask),
}

# measure -> key of FUNNEL_TESTS
ASYMMETRY_TESTS: dict[str, str] = {
    "MD": "Egger",
    "SMD": "Pustejovsky",
    "OR": "Harbord",
    "PETO": "Harbord",
    "DOR": "Deeks",
    "AS": "Egger",
}


def asymmetry_test(measure: str, evidence: Evidence, *, test: str | None = None) -> RegressionTest | RankTest:
    """The test for funnel asymmetry that fits a measure.

    Parameters
    ----------
    measure : key of ASYMMETRY_TESTS
    test : key of FUNNEL_TESTS to use another one, for any measure

    Raises
    ------
    InvalidInput
        A measure without a recommended test (name the test then), an unknown test, missing group sizes or tables, and
        as the test itself.

    Examples
    --------
    >>> e = Evidence([0.9, 0.6, 0.5, 0.2], [0.20, 0.10, 0.05, 0.01], n1i=[10, 20, 40, 200], n2i=[10, 20, 40, 200])
    >>> round(float(asymmetry_test("SMD", e).statistic), 4)
    12.0577
    """
    instance("evidence", evidence, Evidence)
    if test is None:
        choose("measure", measure, ASYMMETRY_TESTS)
        test = ASYMMETRY_TESTS[measure]
    choose("test", test, FUNNEL_TESTS)
    return FUNNEL_TESTS[test](evidence)
