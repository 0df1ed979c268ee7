"""Pooling of counts without a normal approximation per study: Mantel-Haenszel, Peto, mixed models."""
