"""Quantization after training: weights and maps as whole numbers of 8 bits, calibrated on rows of the training split.

Both converters look for the range of each map on these rows. Source of the scheme: Jacob et al. 2018, "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference".
"""

from collections.abc import Iterator
from pathlib import Path

from model.backend import tf
import numpy as np

from model import CnnModel

# Their values are better than 8 bits could hold, and their cost is nothing next to that of a convolution.
FLOAT_OPERATIONS = ("Softmax", "Sigmoid", "Softplus")


def with_whole_range(rows: np.ndarray) -> np.ndarray:
    """Return rows, uint8 (n, h, w, c), the first of which has a black and a white pixel in its corner.

    The input's range is then 0 to 255 in any dataset, and its quantization exact: a pixel is its own whole number.
    """
    rows = rows.copy()
    rows[0, 0, 0], rows[0, -1, -1] = 0, 255
    return rows


def write_int8_litert(cnn: CnnModel, path: Path, rows: np.ndarray) -> None:
    """Write a network as LiteRT that computes in int8; its input and output are float32 as those of the network.

    Args:
        cnn: the model.
        path: of the file, ending in .tflite.
        rows: to calibrate on, uint8 (n, h, w, c).
    """
    cnn.network.export(str(path), format="litert", verbose=False, **_litert_options(rows))


def convert_to_int8_only(cnn: CnnModel, rows: np.ndarray, path: Path) -> bytes:
    """Return a network as LiteRT for one image at a time, whose input and output are int8, too: for microcontrollers.

    Args:
        cnn: the model.
        rows: to calibrate on, uint8 (n, h, w, c).
        path: where the converter may write it, ending in .tflite.
    """
    signature = [tf.TensorSpec((1, *cnn.config.image_shape), tf.float32, name="pixels")]
    options = _litert_options(rows) | {"inference_input_type": tf.int8, "inference_output_type": tf.int8}
    cnn.network.export(str(path), format="litert", verbose=False, input_signature=signature, **options)
    return path.read_bytes()


def _litert_options(rows: np.ndarray) -> dict:
    images = with_whole_range(rows).astype(np.float32)
    return {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": lambda: ([image[None]] for image in images),
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
    }


def write_int8_onnx(source: Path, target: Path, rows: np.ndarray) -> None:
    """Write an ONNX file that computes in int8, from one in float32; input and output remain float32.

    Each filter has its own scale. The last activation remains float32.

    Args:
        source: the file in float32.
        target: the file to write.
        rows: to calibrate on, uint8 (n, h, w, c).
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Rows(CalibrationDataReader):
        def __init__(self, name: str) -> None:
            self._images: Iterator[np.ndarray] = iter(with_whole_range(rows).astype(np.float32))
            self._name = name

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._images, None)
            return None if image is None else {self._name: image[None]}

    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    graph = onnx.load(prepared, load_external_data=False).graph
    quantize_static(
        prepared,
        target,
        Rows(graph.input[0].name),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,  # 7 bits for weights: sums of 8 overflow on processors without VNNI
        nodes_to_exclude=[node.name for node in graph.node if node.op_type in FLOAT_OPERATIONS],
    )
    prepared.unlink()
