"""Mutants: small faults put into a copy of the code one at a time; each has to fail a test that reaches it."""
