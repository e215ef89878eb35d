"""Delivery: freeze a mailing, keep its ledger, and submit each message at most once."""
