"""Subgroups: numbers of metafor 3.8-1 (R 4.2.2) on metadat's dat.raudenbush1985, batches, errors.

`rma(yi, vi, subset = tester == l, test = "knha")`, `rma(yi, vi, mods = ~ tester, test = "knha")`, threshold 1e-14.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.subgroups import subgroup_analysis

DATA = json.loads((Path(__file__).parents[2] / "golden" / "metafor_3_8" / "location_scale.json").read_text())["data"]
RAUD = DATA["raudenbush1985"]
Y, V, TESTER = np.array(RAUD["yi"]), np.array(RAUD["vi"]), RAUD["tester"]


class TestAgainstMetafor:
    S = subgroup_analysis(Y, V, TESTER, interval="hk")

    def test_prediction_with_separate_tau2(self) -> None:
        s = self.S
        assert s.levels == ("aware", "blind")
        np.testing.assert_allclose(s.separate.se, [0.0914869957621322, 0.0877419531911893], rtol=1e-8)
        np.testing.assert_allclose(s.prediction_separate.pi_lb, [-0.370044292616918, -0.260486887148275], rtol=1e-8)
        np.testing.assert_allclose(s.prediction_separate.pi_ub, [0.463301171848944, 0.555215906846538], rtol=1e-8)

    def test_prediction_with_common_tau2(self) -> None:
        s = self.S
        np.testing.assert_allclose(s.common.se, [0.083350393617142, 0.0997533214969149], rtol=1e-8)
        np.testing.assert_allclose(s.prediction_common.pi_lb, [-0.329341748456663, -0.24425294950035], rtol=1e-8)
        np.testing.assert_allclose(s.prediction_common.pi_ub, [0.422037426941836, 0.541907163874122], rtol=1e-8)
        assert s.prediction_common.df.tolist() == [17, 17]

    def test_f(self) -> None:
        s = self.S
        np.testing.assert_allclose([s.F, s.F_p], [0.621493201195147, 0.441348286979864], rtol=1e-8)
        assert (s.Qb_df, s.F_df2) == (1, 17)
        assert np.isnan(subgroup_analysis(Y, V, TESTER, interval="wald").F)


def test_batch_equals_loop() -> None:
    y = np.stack([Y, Y[::-1], Y * 2]).reshape(3, 1, -1)
    s = subgroup_analysis(y, V, TESTER)
    assert s.separate.estimate.shape == (3, 1, 2) and s.Qb_common.shape == (3, 1)
    for i in range(3):
        one = subgroup_analysis(y[i, 0], V, TESTER)
        np.testing.assert_allclose(s.prediction_separate.pi_ub[i, 0], one.prediction_separate.pi_ub, rtol=1e-10)
        np.testing.assert_allclose(s.prediction_common.pi_ub[i, 0], one.prediction_common.pi_ub, rtol=1e-10)
        np.testing.assert_allclose(
            [s.Qb_separate[i, 0], s.Qb_common_p[i, 0], s.F[i, 0]],
            [one.Qb_separate, one.Qb_common_p, one.F], rtol=1e-10,
        )  # fmt: skip


def test_masked_study_takes_no_part() -> None:
    on = np.arange(len(Y)) != 3
    s = subgroup_analysis(np.where(on, Y, np.nan), V, TESTER, mask=on)
    less = subgroup_analysis(Y[on], V[on], np.array(TESTER)[on])
    np.testing.assert_allclose(s.separate.estimate, less.separate.estimate, rtol=1e-12)
    np.testing.assert_allclose([s.Qb_common, s.F], [less.Qb_common, less.F], rtol=1e-10)


def test_a_subgroup_of_one_has_no_prediction_interval() -> None:
    s = subgroup_analysis([0.1, 0.2, 0.5], [0.1, 0.1, 0.1], ["a", "a", "b"])
    assert np.isfinite(s.prediction_separate.pi_lb[0]) and np.isnan(s.prediction_separate.pi_lb[1])
    assert s.separate.estimate[1] == 0.5


def test_levels_are_alphabetical_whatever_the_case() -> None:
    assert subgroup_analysis([0.1, 0.2, 0.5], [0.1] * 3, ["b", "A", "a"]).levels == ("a", "A", "b")


def test_errors() -> None:
    with pytest.raises(InvalidInput, match=r"group\[1\] is missing"):
        subgroup_analysis([0.1, 0.2, 0.5], [0.1] * 3, np.array(["a", None, "b"], dtype=object))
    with pytest.raises(InvalidInput, match="subgroup 'b' has no study"):
        subgroup_analysis([0.1, 0.2, 0.5], [0.1] * 3, ["a", "a", "b"], mask=[True, True, False])
    with pytest.raises(InvalidInput, match="shapes differ"):
        subgroup_analysis([0.1, 0.2], [0.1] * 3, ["a", "b"])


def test_mask_and_batch_of_other_shapes() -> None:
    for mask in (True, False, [True] * 3):
        with pytest.raises(InvalidInput, match="mask"):
            subgroup_analysis([0.1, 0.2, 0.6, 0.9], [0.02] * 4, list("aabb"), mask=mask)
    with pytest.raises(InvalidInput, match="do not fit"):
        subgroup_analysis(np.ones((2, 4)), np.ones((3, 4)), list("aabb"))


def test_effects_that_are_alike_have_no_plain_hartung_knapp_test() -> None:
    s = subgroup_analysis([1.0, 1.0, 1.0, 1.0], [0.1] * 4, list("aabb"), interval="hk")
    assert np.isnan([s.F, s.F_df2, s.F_p]).all()
    assert s.Qb_common == pytest.approx(0, abs=1e-12)
