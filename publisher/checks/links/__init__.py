"""Are the links alive? The only check that leaves this machine, and only with ``check --links``."""
