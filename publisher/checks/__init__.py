"""Named rules over an issue, and the engine that collects all they find. A rule is given a ``context.Context``."""
