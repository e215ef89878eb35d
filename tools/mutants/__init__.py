"""Mutants: small faults, one at a time in a copy of the code; a test that reaches each has to fail."""
