"""Chaos: senders are killed, a provider accepts messages without answering; then the account must be correct."""
