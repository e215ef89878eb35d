"""Commands that write files for editors: ``init`` (modules repository, ci), ``new`` (issue; from a text: paste, digest,
headlines), ``add`` (page, metadata) and ``draft`` (draft, model).

No file is overwritten. In issue.yaml a draft changes only the key points, and ``add`` only ``items:``.
"""
