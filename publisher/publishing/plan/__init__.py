"""What publish would do, and what a change does to each edition. Nothing is written, nobody is asked for an address."""

from publisher.publishing.plan.make import make_plan
from publisher.publishing.plan.model import EditionChange, Plan

__all__ = ["EditionChange", "Plan", "make_plan"]
