"""Built-in rules, one module each; see :mod:`publisher.checks.registry`."""
