"""Benches of the build."""
