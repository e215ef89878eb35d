"""Other destinations of an edition: WeChat's 公众号, and announcements on the channels that config.yaml names."""

from publisher.channels.channel import Channel, Post, RefusedError

__all__ = ["Channel", "Post", "RefusedError"]
