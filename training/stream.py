"""Public import path of `HubStream` and its `Batch`."""

from training.data.batches import Batch
from training.data.stream import HubStream

__all__ = ["Batch", "HubStream"]
