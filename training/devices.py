"""What a GPU changes: memory that grows, a precision that it has, XLA, and batches that wait in its memory.

Sources: TensorFlow's guides "Use a GPU", "Mixed precision" and "Better performance with the tf.data API", and Keras'
`fit`, which compiles with XLA where there is a GPU. Without one, nothing here changes anything.
"""

import os
from contextlib import suppress

from model.backend import tf

from training.processes import GPUS

MIN_BFLOAT16_CAPABILITY = (8, 0)  # of NVIDIA's GPUs, from Ampere on; older ones compute in float32
FIRST_GPU = "/GPU:0"  # where steps are computed
DEVICE_BATCHES = 2  # that wait in a GPU's memory


def let_gpu_memory_grow() -> None:
    """Take a GPU's memory as it is needed, instead of all at once; for programs, before anything is computed."""
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # something was computed already: TensorFlow has the memory
            tf.config.experimental.set_memory_growth(gpu, True)


def has_gpu() -> bool:
    """Return whether TensorFlow computes on a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def visible_gpus() -> list[str]:
    """Return the GPUs that TensorFlow may use, as CUDA_VISIBLE_DEVICES names them."""
    count = len(tf.config.list_physical_devices("GPU"))
    named = [one for one in os.environ.get(GPUS, "").split(",") if one]
    return named[:count] if named else [str(number) for number in range(count)]


def gpu_has_bfloat16() -> bool:
    """Return whether each GPU computes in bfloat16."""
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return all(one.get("compute_capability", (0, 0)) >= MIN_BFLOAT16_CAPABILITY for one in details)


def prefetch_to_gpu(data: tf.data.Dataset) -> tf.data.Dataset:
    """Return a dataset whose next batches are copied to the GPU while a step computes; the same one without a GPU.

    It must be the last step of a pipeline.
    """
    return data.apply(tf.data.experimental.prefetch_to_device(FIRST_GPU, DEVICE_BATCHES)) if has_gpu() else data
