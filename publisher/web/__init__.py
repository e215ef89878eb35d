"""The readers' service: subscribe, confirm, unsubscribe, preferences, and what machines ask of it."""
