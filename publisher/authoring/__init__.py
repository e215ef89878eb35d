"""What writes files for editors: ``init`` (repository, ci), ``new`` (issue) and ``draft`` (draft, model).

``init`` and ``new`` never overwrite a file; a draft changes only the lines of the key points in issue.yaml.
"""
