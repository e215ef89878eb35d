"""What writes files for editors: ``init`` (repository, ci), ``new`` (issue; of a text: paste, digest, headlines),
``add`` (page, metadata) and ``draft`` (draft, model).

None overwrites a file; of issue.yaml a draft changes only the lines of the key points, ``add`` only those of the items.
"""
