"""Public import path of `HubStream` and its `Batch`."""

from training.data.stream import Batch, HubStream

__all__ = ["Batch", "HubStream"]
