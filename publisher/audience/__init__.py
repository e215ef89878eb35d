"""The audience: subscribers, their consent and its history, suppressions, segments, and the signed links they get."""
