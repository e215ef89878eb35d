"""The one judge of an issue, alone and among the others: check, build, plan, publish, send and preview ask it."""
