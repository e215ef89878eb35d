"""Check of links for availability: the only check that uses the network, and only with ``check --links``."""
