"""Insights: the account and report of a mailing, and statistics of the audience. Nothing here contains an address."""
