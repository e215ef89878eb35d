"""The audience: subscribers, their consent and its history, suppressions, segments, and signed links."""
