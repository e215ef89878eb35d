"""Feedback: what providers and receivers say of a message afterwards, into the ledger and the audience."""
