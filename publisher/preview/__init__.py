"""The editors' live preview: the finished mail while typing, on the local machine only."""

from publisher.preview.app import create_app

__all__ = ["create_app"]
