"""Meta-analysis on arrays. Rooms are named after the method; numpy and scipy only.

Effect sizes and their sampling variances are `yi`, `vi` of shape (..., k): studies on the last axis, any batch
(bootstrap samples, studies left out, simulated data) on the leading axes. Ragged batches use `mask` (True = the study
takes part). Every answer is a frozen dataclass; a batch of shape () gives numpy scalars.
"""
