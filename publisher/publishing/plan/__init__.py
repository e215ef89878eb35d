"""The plan: what publish would do, and how a change affects each edition. Read-only, and without any address."""
