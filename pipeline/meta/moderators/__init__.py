"""Study characteristics as explanations: designs, tests of coefficients, permutation, location-scale, power."""
