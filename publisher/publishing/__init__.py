"""Publish on merge: mail what is due, in order, once; and the plan of it beforehand."""
