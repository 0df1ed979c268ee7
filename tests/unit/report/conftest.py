"""One simulated results folder for the tests of the reports."""

from __future__ import annotations

from pathlib import Path

import pytest
import simulated

QUESTIONS = {
    "k0": (0, "SMD", {}),
    "k1": (1, "SMD", {}),
    "k2": (2, "RR", {}),
    "k4": (4, "SMD", {"published": ["pfeiffer_usual_care", "pfeiffer_group_cbt"]}),
    "k5": (5, "RR", {}),
    "k3": (3, "MD", {"unit": "percentage points", "comparator": "waitlist", "comparator_label": "Waiting list"}),
    "k12": (12, "SMD", {}),
    "k40": (40, "SMD", {"kind": "context", "intervention_label": "Group CBT"}),
}


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for seed, (key, (k, measure, changes)) in enumerate(QUESTIONS.items()):
        simulated.write(folder, key, k, measure, seed=seed, **changes)
    simulated.write_shared(folder)
    return folder
