"""What publish would do, and what a change does to each edition. Nothing is written, nobody is asked for an address."""

from publisher.publishing.plan.make import make_plan
from publisher.publishing.plan.model import Change, Plan

__all__ = ["Change", "Plan", "make_plan"]
