"""Putting a built archive where readers are: what changed, in an order in which no page ever points at nothing."""
