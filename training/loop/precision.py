"""The arithmetic of a training: float32, or bfloat16 with weights that stay float32, where the processor has it."""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

# As Linux names them. Without one of them TensorFlow emulates bfloat16, far slower than float32.
PROCESSOR_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def usable_precision(asked: str) -> str:
    """Return the precision that was asked for, or float32 where bfloat16 would be emulated."""
    if asked == "float32" or tf.config.list_physical_devices("GPU"):
        return asked
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:  # not Linux
        flags = set()
    return asked if flags & PROCESSOR_FLAGS else "float32"


def in_precision(precision: str, build: Callable[[], keras.Model]) -> keras.Model:
    """Return what `build` builds, its layers computing in that precision.

    Source: Micikevicius et al. 2018, "Mixed Precision Training"; bfloat16 needs no scaling of the loss.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(before)
