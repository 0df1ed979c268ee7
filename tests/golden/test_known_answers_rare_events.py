"""Results printed in books, recomputed from their data at the precision they were printed: the Mantel-Haenszel part."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.effect_sizes.measures import MEASURES
from pipeline.meta.effect_sizes.two_by_two import from_events
from pipeline.meta.pooling.heterogeneity_limits import heterogeneity_limits
from pipeline.meta.pooling.random_effects import common_effect
from pipeline.meta.rare_events.mantel_haenszel import mantel_haenszel
from tests.golden.test_known_answers import column


class TestDepressionMortality:
    """Harrer et al., Doing Meta-Analysis in R, section 4.2.3.1, data of Cuijpers & Smit 2002."""

    table = from_events(*column("ka02_depression_mortality_2x2.csv", "event.e", "n.e", "event.c", "n.c"))

    def test_mantel_haenszel_risk_ratio(self) -> None:
        m = mantel_haenszel(self.table, measure="RR")
        assert np.exp([m.estimate, m.ci_lb, m.ci_ub]) == pytest.approx([2.0634, 1.8909, 2.2516], abs=1e-4)

    def test_heterogeneity(self) -> None:
        es = MEASURES["RR"](self.table)
        q = common_effect(es.yi, es.vi)
        assert pytest.approx(74.49, abs=0.01) == q.Q
        assert pytest.approx(77.2, abs=0.05) == heterogeneity_limits(q.Q, q.Q_df).I2
