"""The one judge of an issue, alone and among the others: check, build, plan, publish, send and preview ask it."""

from publisher.proofing.proof import Proof, proofread, refuse_unknown

__all__ = ["Proof", "proofread", "refuse_unknown"]
