"""The readers' service: subscribe, confirm, unsubscribe, preferences; webhooks, health and metrics."""
