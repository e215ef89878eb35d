"""Chaos: senders that are killed, a provider that accepts and drops its answer; then the account must come out."""
