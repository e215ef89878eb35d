"""Putting a built archive where readers are: what changed, in an order in which no page ever points at nothing."""

from publisher.site.deploy.model import Deployed, Destination, Upload
from publisher.site.deploy.run import deploy

__all__ = ["Deployed", "Destination", "Upload", "deploy"]
