"""Rules for issues, and the engine that runs them. A rule gets a ``context.Context``."""
