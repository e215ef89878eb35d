"""Key points, drafted: by a model that config names, or by picking sentences. An editor's commit publishes them."""

from publisher.drafting.draft import Draft, draft_key_points

__all__ = ["Draft", "draft_key_points"]
