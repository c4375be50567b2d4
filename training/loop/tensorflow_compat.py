"""What TensorFlow has no public name for; a test says whether the pinned version still has these names."""

from functools import partial

import model.backend  # noqa: F401 - sets TensorFlow up
from tensorflow.python.eager import context  # noqa: TID251 - has no public name


def limit_registration(seconds: float) -> None:
    """Let a worker end with a `DeadlineExceededError` if the first one does not come; before a strategy is made.

    TensorFlow's own limit is an hour. The first worker waits without a limit, and cannot be interrupted.
    """
    current = context.context()
    limited = partial(current.configure_coordination_service, cluster_register_timeout_in_ms=int(1000 * seconds))
    current.configure_coordination_service = limited
