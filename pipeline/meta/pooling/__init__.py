"""The random-effects and common-effect models: estimators of tau2, intervals, tests, regression, subgroups."""
