"""Bayesian random-effects meta-analysis by numerical integration."""
