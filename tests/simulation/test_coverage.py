"""The intervals keep the bands that were declared for them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.simulation import coverage as c


@pytest.mark.slow
@pytest.mark.parametrize("scenario", c.SCENARIOS, ids=str)
def test_bands(scenario: c.Scenario) -> None:
    assert not c.outside(scenario, c.run(scenario, c.REPLICATIONS))


def test_the_stored_results_cover_every_scenario_and_keep_the_bands() -> None:
    stored = json.loads(c.FILE.read_text(encoding="utf-8"))
    assert stored["replications"] >= 10_000
    found = {c.Scenario(*(r[f] for f in ("data", "k", "tau2", "sizes"))): r["coverage"] for r in stored["results"]}
    assert set(found) == set(c.SCENARIOS)
    assert not [w for s, shares in found.items() for w in c.outside(s, shares)]


def test_a_few_replications_agree_with_the_stored_results() -> None:
    scenario = c.Scenario("two groups", 5, 0.05, 6)
    stored = json.loads(c.FILE.read_text(encoding="utf-8"))["results"][c.SCENARIOS.index(scenario)]["coverage"]
    shares = c.run(scenario, 2000, seed=1)
    for name, share in shares.items():
        assert abs(share - stored[name]) < 4 * np.sqrt(0.25 * 0.2 / 2000), name


def test_a_share_outside_its_band_is_found() -> None:
    scenario = c.SCENARIOS[0]
    assert c.outside(scenario, {"mean, Hartung-Knapp with floor": 0.92})
    assert not c.outside(scenario, {"mean, Hartung-Knapp with floor": 0.94})
