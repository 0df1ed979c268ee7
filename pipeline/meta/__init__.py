"""Meta-analysis on arrays: numpy and scipy only, one room for each subject, one file for each method.

Effect sizes and their sampling variances are `yi`, `vi` of shape (..., k): studies on the last axis, any batch
(bootstrap samples, studies left out, simulated data) on the leading axes. Ragged batches use `mask` (True = the study
takes part). Every answer is a frozen dataclass; a batch of shape () gives numpy scalars. What cannot be used raises
`pipeline.meta.arrays.InvalidInput`, a `ValueError`; what was iterated says whether it `converged`. Random numbers come
from a generator that the caller passes as `rng`.

Intervals of a mean or a coefficient are floored Hartung-Knapp unless told; diagnostics of single studies (influence,
residuals, trim and fill, permutation) are normal unless told, as in the papers they come from.

Rooms: effect_sizes, conversions; pooling (random and common effects, tau2, intervals, prediction), moderators,
rare_events; dependence (clusters, several effects of a trial, robust errors); small_study, influence; bayes;
equivalence.
"""
