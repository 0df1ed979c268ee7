"""Two one-sided tests: verdicts, limits, errors, batches."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.equivalence import equivalence, non_inferiority, two_samples


class TestEquivalence:
    @pytest.mark.parametrize(
        ("estimate", "verdict"),
        [(0.0, "equivalent"), (0.45, "undecided"), (0.9, "outside the margins"), (-0.9, "outside the margins")],
    )
    def test_verdicts(self, estimate: float, verdict: str) -> None:
        assert equivalence(estimate, 0.1, -0.5, 0.5).verdict == verdict

    @pytest.mark.parametrize("df", [np.nan, 1.0, 6.0])
    def test_the_interval_inside_is_p_below_alpha(self, df: float) -> None:
        e = equivalence(np.linspace(-1, 1, 41), 0.12, -0.5, 0.5, df=df, alpha=0.025)
        np.testing.assert_array_equal((e.ci_lb > -0.5) & (e.ci_ub < 0.5), e.p < 0.025)

    def test_the_smallest_margin_is_where_p_is_alpha(self) -> None:
        e = equivalence(-0.2, 0.1, -0.5, 0.5, df=7)
        m = float(e.smallest_margin)
        np.testing.assert_allclose(equivalence(-0.2, 0.1, -m, m, df=7).p, 0.05, rtol=1e-12)

    def test_published_verdict_on_group_cbt(self) -> None:
        """SMD 0.10 [-0.20, 0.39] (Pfeiffer et al. 2011): only a margin above its upper bound makes it non-inferior."""
        se = (0.39 + 0.20) / (2 * 1.959964)
        n = non_inferiority(0.10, se, 0.3, lower_is_better=True)
        assert n.verdict == "undecided"
        np.testing.assert_allclose(n.smallest_margin, 0.395, atol=1e-6)

    def test_batch(self) -> None:
        mu, se, df = (
            np.array([[0.1, -0.3], [0.4, 0.0]]),
            np.array([[0.1, 0.2], [0.1, 0.3]]),
            np.array([[4.0, np.nan]] * 2),
        )
        e = equivalence(mu, se, -0.5, 0.5, df=df)
        for i in np.ndindex(2, 2):
            one = equivalence(mu[i], se[i], -0.5, 0.5, df=df[i])
            np.testing.assert_allclose([e.p[i], e.ci_lb[i]], [one.p, one.ci_lb], rtol=1e-14)
            assert e.verdict[i] == one.verdict

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"low": 0.5}, "low must be below high"),
            ({"se": 0}, "se must be > 0"),
            ({"df": 0.5}, "df must be at least 1"),
            ({"alpha": 0.5}, "alpha"),
            ({"estimate": np.nan}, "estimate must be finite"),
        ],
    )
    def test_errors(self, options: dict[str, float], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            equivalence(**({"estimate": 0.1, "se": 0.1, "low": -0.5, "high": 0.5} | options))


class TestNonInferiority:
    def test_verdicts_and_direction(self) -> None:
        worse, better = (non_inferiority(x, 0.1, 0.3, lower_is_better=True) for x in (0.6, -0.2))
        assert (str(worse.verdict), str(better.verdict)) == ("inferior", "non-inferior")
        assert better.smallest_margin == 0
        mirror = non_inferiority(-0.6, 0.1, 0.3, lower_is_better=False)
        np.testing.assert_allclose([mirror.p, mirror.bound], [worse.p, -worse.bound], rtol=1e-14)

    def test_p_at_the_smallest_margin(self) -> None:
        m = float(non_inferiority(0.1, 0.2, 0.4, lower_is_better=True, df=5, alpha=0.05).smallest_margin)
        np.testing.assert_allclose(non_inferiority(0.1, 0.2, m, lower_is_better=True, df=5).p, 0.05, rtol=1e-12)

    def test_a_margin_must_be_positive(self) -> None:
        with pytest.raises(InvalidInput, match="margin must be > 0"):
            non_inferiority(0.1, 0.2, 0, lower_is_better=True)


class TestTwoSamples:
    def test_against_t_test_of_r(self) -> None:
        """t.test(x, y, mu = -1, alternative = "greater", var.equal = TRUE) and mu = 3, "less"; R 4.2.2."""
        x, y = [1, 2, 4, 5], [2, 3, 3, 7, 9]
        np.testing.assert_allclose(two_samples(x, y).df, 6.63033110216, rtol=1e-11)
        s = two_samples(x, y, welch=False)
        e = equivalence(s.difference, s.se, -1, 3, df=s.df)
        np.testing.assert_allclose([e.p_low, e.p_high], [0.670685905030359, 0.0139003898881185], rtol=1e-12)

    def test_batch(self) -> None:
        rng = np.random.default_rng(3)
        x, y = rng.normal(size=(4, 6)), rng.normal(size=(4, 9))
        s = two_samples(x, y)
        np.testing.assert_allclose(s.p, [two_samples(a, b).p for a, b in zip(x, y, strict=True)], rtol=1e-13)

    def test_errors(self) -> None:
        with pytest.raises(InvalidInput, match="at least 2 people"):
            two_samples([1], [1, 2])
        with pytest.raises(InvalidInput, match="no spread"):
            two_samples([1, 1], [2, 2])
