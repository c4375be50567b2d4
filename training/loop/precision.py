"""The precision of a training: float32, or bfloat16 with float32 weights on processors and GPUs that support it."""

from pathlib import Path

from model.backend import tf

from training.devices import gpu_has_bfloat16

# As Linux names them. Without one of them TensorFlow emulates bfloat16, which is far slower than float32.
BFLOAT16_CPU_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def usable_precision(requested: str, cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """Return the requested precision, or float32 if the processor, or a GPU, would emulate bfloat16.

    Args:
        requested: float32 or bfloat16.
        cpu_info: the file in which Linux lists the processor's flags.
    """
    if requested == "float32":
        return requested
    if tf.config.list_physical_devices("GPU"):
        return requested if gpu_has_bfloat16() else "float32"
    try:
        flags = set(cpu_info.read_text(encoding="utf-8").split())
    except OSError:  # not Linux
        flags = set()
    return requested if flags & BFLOAT16_CPU_FLAGS else "float32"


def dtype_policy(precision: str) -> str:
    """Return Keras' dtype policy of a precision: bfloat16 for computing, float32 for the weights.

    Source: Micikevicius et al. 2018, "Mixed Precision Training"; bfloat16 needs no scaling of the loss.
    """
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"
