"""Proofs of issues, alone and among the others; used by check, build, plan, publish, send and preview alike."""
