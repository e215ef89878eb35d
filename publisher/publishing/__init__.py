"""Publish on merge: what is due, in the right order, once; and the plan of it beforehand."""
