"""TensorFlow's errors as one line, and errors that can be sent through a pipe."""

import pickle

from model.backend import tf

from model.errors import TrazoError

# TensorFlow puts the reason of a failure between lines that start with these.
STACK_LINE_PREFIXES = (
    "Graph execution error",
    "Detected at node",
    "Detected at",
    "File ",
    "<stack traces",
    "[[{{node",
    "[Op:",
    "Hint:",
)


def summarize_tf_error(error: tf.errors.OpError) -> TrazoError:
    """Return the reason of a failed operation in one line, without the stack of the graph around it."""
    lines = [line.strip() for line in (error.message or "").splitlines()]
    lines = [line for line in lines if line and not line.startswith(STACK_LINE_PREFIXES)]
    if isinstance(error, tf.errors.ResourceExhaustedError):
        reason = next((line for line in lines if "OOM" in line), lines[0] if lines else "")
        return TrazoError(f"out of memory: {reason}")
    return TrazoError(f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}")


def to_portable_error(error: Exception) -> Exception:
    """Return the error, or a `TrazoError` with its text if it cannot be pickled."""
    if isinstance(error, tf.errors.OpError):
        return summarize_tf_error(error)
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return TrazoError(f"{type(error).__name__}: {error}")
