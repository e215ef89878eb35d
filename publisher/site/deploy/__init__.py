"""Putting a built archive where readers are: what changed, in an order in which no page ever points at nothing."""

from publisher.site.deploy.model import Deployed, Destination, Difference, Upload
from publisher.site.deploy.run import apply, compare, deploy, destination

__all__ = ["Deployed", "Destination", "Difference", "Upload", "apply", "compare", "deploy", "destination"]
