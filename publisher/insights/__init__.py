"""Insights: the account of a mailing and its report, and the audience at a glance. No address leaves here."""
