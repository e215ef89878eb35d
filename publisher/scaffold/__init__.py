"""What an editor starts from: a newsletter repository, an issue to fill in. Nothing here ever overwrites a file."""

from publisher.scaffold.ci import Forge
from publisher.scaffold.issue import NewIssue, make_issue
from publisher.scaffold.repository import NewRepository, make_repository

__all__ = ["Forge", "NewIssue", "NewRepository", "make_issue", "make_repository"]
