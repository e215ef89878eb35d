"""Feedback: reports of providers and receivers about submitted messages, applied to the ledger and the audience."""
