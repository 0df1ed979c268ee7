"""Small-study effects and publication bias: tests, corrections, selection models."""
