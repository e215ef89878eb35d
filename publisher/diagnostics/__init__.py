"""Diagnostics: findings about content, each with a place, a stable code, a message and an action; their renderers."""

from publisher.diagnostics.catalogue import Code, Fault, catalogue, define
from publisher.diagnostics.model import Diagnostic, Place, Severity, Span, blocking, in_order
from publisher.diagnostics.sentences import Sentence, counted, either, listed, message_of, reason_of, rendered, say

__all__ = [
    "Code", "Diagnostic", "Fault", "Place", "Sentence", "Severity", "Span", "blocking", "catalogue", "counted",
    "define", "either", "in_order", "listed", "message_of", "reason_of", "rendered", "say",
]  # fmt: skip
