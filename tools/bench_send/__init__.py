"""What sending costs: the ledger-backed sender beside a bare loop, the pace beside the quota, memory, the freeze."""
