"""Findings as data: a :class:`Diagnostic` has a place, a stable code, a message and an action. Renderers live apart."""

from publisher.diagnostics.catalogue import Code, catalogue, define
from publisher.diagnostics.model import Diagnostic, Place, Severity, Span

__all__ = ["Code", "Diagnostic", "Place", "Severity", "Span", "catalogue", "define"]
