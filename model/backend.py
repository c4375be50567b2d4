"""Keras and TensorFlow: all other modules take `keras` and `tf` from here, so that both are set as Trazo needs them.

Importing this module leaves the environment, and what other code has set in Keras, as they are.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from model.keras_settings import check_backend, drop_failed_import, import_settings, keras_home, report_other_backend
from model.quiet import quiet

drop_failed_import(sys.modules)
check_backend(sys.modules)
_is_first = "keras" not in sys.modules
if _is_first:
    report_other_backend()
with quiet(), import_settings(os.environ):
    import keras
    import tensorflow as tf

    tf.keras.Model  # noqa: B018 - TensorFlow chooses its Keras at the first use, which may be TensorBoard's
if _is_first:
    keras.src.backend.config._KERAS_DIR = str(keras_home(os.environ))  # for files that Keras downloads

__all__ = ["keras", "keras_defaults", "tf"]

EPSILON = 1e-7


@contextmanager
def keras_defaults(dtype_policy: str = "float32") -> Iterator[None]:
    """Set Keras' own defaults inside the block: float32, channels last, its usual epsilon.

    Other code may have set others, which are set again after the block. Everything that makes layers, losses or
    optimizers, or traces them, does it inside such a block or function.

    Args:
        dtype_policy: of the layers.

    Example:
        >>> with keras_defaults():
        ...     network = build_network(config)
    """
    config = keras.config
    before = config.dtype_policy(), config.floatx(), config.epsilon(), config.image_data_format()
    _set(dtype_policy, "float32", EPSILON, "channels_last")
    try:
        yield
    finally:
        _set(*before)


def _set(dtype_policy: "str | keras.DTypePolicy", floatx: str, epsilon: float, image_data_format: str) -> None:
    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_dtype_policy(dtype_policy)
