"""Whole builds beside other generators' on the same content."""
