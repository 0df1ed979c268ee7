"""How often the intervals hold the truth: `python -m tests.simulation.coverage [--replications 10000]`.

Prints a Markdown table and writes coverage.json beside this file. Scenarios, methods and the bands that they have to
keep are declared below, before any number is seen. To add a method: a row of METHODS, and of BANDS if it is gated.

"two groups": people are drawn (means from a normal, standard deviations from a chi distribution), and Hedges' g with
its variance is computed from them as from a published trial, so that g and its variance are correlated as in life.
"normal": the textbook model, known variances.
"three effects per trial": outcomes of the same people, sampling errors correlated by 0.6, variances known, and half of
the between-trial variance again between the effects of a trial.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import special

from pipeline.meta.effect_sizes.standardized import standardized_mean_difference
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.pooling.tau2_interval import tau2_interval

SEED = 20240611
REPLICATIONS = 10_000
EFFECT = 0.3
EFFECTS_PER_TRIAL = 3
CORRELATION = 0.6
TYPICAL_N = 60  # people per trial, geometric mean
FILE = Path(__file__).with_name("coverage.json")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One setting.

    Attributes
    ----------
    data : "two groups", "normal" or "three effects per trial"
    k : trials
    tau2 : between-study variance
    sizes : the largest trial against the smallest; sizes between are evenly spaced on the log scale
    """

    data: str
    k: int
    tau2: float
    sizes: int

    def people(self) -> np.ndarray:
        """People per arm."""
        spread = np.exp(np.linspace(-0.5, 0.5, self.k) * np.log(self.sizes))
        return np.maximum(np.round(TYPICAL_N * spread / 2), 4.0)


SCENARIOS = [
    Scenario(data, k, tau2, sizes)
    for data in ("two groups", "normal")
    for k in (3, 5, 10, 20)
    for tau2 in (0.0, 0.05, 0.2)
    for sizes in (1, 6, 20)
]
SCENARIOS += [
    Scenario("three effects per trial", k, tau2, sizes)
    for k in (5, 10, 20)
    for tau2 in (0.0, 0.05, 0.2)
    for sizes in (1, 6, 20)
]


@dataclass(frozen=True, slots=True)
class Draws:
    """Effects and variances of all replications of a scenario, (replications, effects); a trial's stand together."""

    scenario: Scenario
    yi: np.ndarray
    vi: np.ndarray


def draw(scenario: Scenario, replications: int, rng: np.random.Generator) -> Draws:
    """All replications of a scenario."""
    size = (replications, scenario.k)
    n = np.broadcast_to(scenario.people(), size)
    effects = rng.normal(EFFECT, np.sqrt(scenario.tau2), size)
    if scenario.data == "three effects per trial":
        return _several_effects(scenario, effects, n, rng)
    if scenario.data == "normal":
        v = 2 / n + EFFECT**2 / (4 * n)
        return Draws(scenario, rng.normal(effects, np.sqrt(v)), v)
    means = rng.normal(effects, n**-0.5), rng.normal(0, n**-0.5, size)
    sds = [np.sqrt(rng.chisquare(n - 1, size) / (n - 1)) for _ in range(2)]
    g = standardized_mean_difference(means[0], sds[0], n, means[1], sds[1], n)
    return Draws(scenario, g.yi, g.vi)


def _several_effects(scenario: Scenario, effects: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> Draws:
    v = 2 / n + EFFECT**2 / (4 * n)
    size = (*n.shape, EFFECTS_PER_TRIAL)
    shared, own = rng.normal(size=(*n.shape, 1)), rng.normal(size=size)
    errors = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * own
    within = rng.normal(0, np.sqrt(scenario.tau2 / 2), size)
    yi = effects[..., None] + within + np.sqrt(v)[..., None] * errors
    return Draws(scenario, yi.reshape(len(n), -1), np.repeat(v, EFFECTS_PER_TRIAL, axis=-1))


def mean_within(interval: str) -> Callable[[Draws], np.ndarray]:
    """Does the interval of the mean hold it."""

    def covered(d: Draws) -> np.ndarray:
        m = random_effects(d.yi, d.vi, interval=interval)
        return (m.ci_lb <= EFFECT) & (m.ci_ub >= EFFECT)

    return covered


def new_study_within(method: str, interval: str) -> Callable[[Draws], np.ndarray]:
    """Probability that a new study's effect lies in the prediction interval, exact given the interval."""

    def covered(d: Draws) -> np.ndarray:
        m = random_effects(d.yi, d.vi, interval=interval)
        p = prediction_interval(m.estimate, m.se, m.tau2, m.k, method=method)
        tau = np.sqrt(d.scenario.tau2)
        if tau == 0:
            return (p.pi_lb <= EFFECT) & (p.pi_ub >= EFFECT)
        return special.ndtr((p.pi_ub - EFFECT) / tau) - special.ndtr((p.pi_lb - EFFECT) / tau)

    return covered


def tau2_within(d: Draws) -> np.ndarray:
    """Does the Q-profile interval hold tau2; an interval of 0 alone holds 0."""
    i = tau2_interval(d.yi, d.vi, method="QP", estimator="DL")  # the estimator does not touch the limits
    return (i.tau2_lb <= d.scenario.tau2) & (i.tau2_ub >= d.scenario.tau2)


def robust_mean_within(d: Draws) -> np.ndarray:
    """Does the CR2 interval with Satterthwaite's degrees of freedom hold the mean (working correlation 0.8)."""
    from pipeline.meta.dependence.robust_regression import robust_meta_regression

    trial = np.repeat(np.arange(d.scenario.k), EFFECTS_PER_TRIAL)
    tests = robust_meta_regression(d.yi, d.vi, trial, weighting="CORR", rho=0.8).tests
    return (tests.ci_lb[..., 0] <= EFFECT) & (tests.ci_ub[..., 0] >= EFFECT)


@dataclass(frozen=True, slots=True)
class Method:
    """How a method is judged, and the kinds of data that it is for."""

    covered: Callable[[Draws], np.ndarray]
    data: tuple[str, ...] = ("two groups", "normal")


METHODS: dict[str, Method] = {
    "mean, Hartung-Knapp with floor": Method(mean_within("hk_floored")),
    "mean, Hartung-Knapp": Method(mean_within("hk")),
    "mean, Wald": Method(mean_within("wald")),
    "new study, t(k - 1)": Method(new_study_within("t_k1", "hk_floored")),
    "new study, t(k - 2)": Method(new_study_within("t_k2", "hk_floored")),
    "tau2, Q-profile": Method(tau2_within),
    "mean, CR2": Method(robust_mean_within, ("three effects per trial",)),
    "mean, Hartung-Knapp, trials ignored": Method(mean_within("hk"), ("three effects per trial",)),
}

# (lowest, highest) share of intervals that may hold the truth; declared before the simulation was run
BANDS: dict[str, Callable[[Scenario], tuple[float, float] | None]] = {
    "mean, Hartung-Knapp with floor": lambda s: (0.93, 1.0) if s.sizes <= 6 else None,
    "mean, CR2": lambda s: (0.93, 1.0) if s.sizes <= 6 and s.k >= 10 else None,
}


def run(scenario: Scenario, replications: int, seed: int = SEED) -> dict[str, float]:
    """Share of intervals that hold the truth, by method."""
    place = SCENARIOS.index(scenario) if scenario in SCENARIOS else len(SCENARIOS)
    d = draw(scenario, replications, np.random.default_rng([seed, place]))
    return {name: float(np.mean(m.covered(d))) for name, m in METHODS.items() if scenario.data in m.data}


def outside(scenario: Scenario, shares: dict[str, float], slack: float = 0.0) -> list[str]:
    """The methods that leave their band, with the share found."""
    found = []
    for name, band in BANDS.items():
        limits = band(scenario)
        if name in shares and limits and not limits[0] - slack <= shares[name] <= limits[1] + slack:
            found.append(f"{name}: {shares[name]:.4f} outside {limits} in {scenario}")
    return found


def table(results: list[dict[str, object]]) -> str:
    """The results in Markdown, in percent."""
    names = list(METHODS)
    lines = [
        "| data | k | tau2 | sizes 1: | " + " | ".join(names) + " |",
        "| --- | --: | --: | --: |" + " --: |" * len(names),
    ]
    for r in results:
        found: dict[str, float] = r["coverage"]  # type: ignore[assignment]
        shares = " | ".join(f"{100 * found[n]:.1f}" if n in found else "" for n in names)
        lines.append(f"| {r['data']} | {r['k']} | {r['tau2']:g} | {r['sizes']} | {shares} |")
    return "\n".join(lines)


def main() -> int:
    """Run every scenario; 1 if a method leaves its band."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    parser.add_argument("--file", type=Path, default=FILE)
    args = parser.parse_args()
    results, wrong = [], []
    for scenario in SCENARIOS:
        shares = run(scenario, args.replications)
        wrong += outside(scenario, shares)
        results.append({**asdict(scenario), "coverage": shares})
    out = {"seed": SEED, "replications": args.replications, "effect": EFFECT, "level": 95, "results": results}
    args.file.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    print(f"\n{args.replications} replications, seed {SEED}. Outside a band: {len(wrong)}", *wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
