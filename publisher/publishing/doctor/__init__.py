"""Is everything ready to send? One small function a question, each with an answer and what to type."""

from publisher.providers.findings import Finding, Level
from publisher.publishing.doctor.run import examine

__all__ = ["Finding", "Level", "examine"]
