"""A network for microcontrollers: a C header with a LiteRT file that computes in int8, its labels and its shapes.

LiteRT for Microcontrollers runs the array from flash memory; it loads no file and needs no operating system.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model import CnnModel, __version__
from model.config import CnnConfig
from training.release.quantization import convert_to_int8_only

BYTES_PER_LINE = 16
ARRAY = re.compile(r"trazo_model\[\d+\] = \{\n(.*?)\};", re.DOTALL)
TEMPLATE = """\
// {title}: a network for LiteRT for Microcontrollers, written by Trazo {version}.
//
// Task: {task}. Input: int8 [1][{height}][{width}][{channels}], from pixels of 0 to 255 ({color}) by trazo_quantize.
// Output: int8 [1][{units}], {output}; trazo_dequantize returns it as a number.
// Operators, for a MicroMutableOpResolver<{operator_count}>: {operators}.
// Weights: {weight_bytes} bytes; trazo_model with the graph: {size} bytes.
#ifndef TRAZO_MODEL_H_
#define TRAZO_MODEL_H_

#include <stdint.h>

#define TRAZO_HEIGHT {height}
#define TRAZO_WIDTH {width}
#define TRAZO_CHANNELS {channels}
#define TRAZO_OUTPUTS {units}
#define TRAZO_LABELS {label_count}
#define TRAZO_INPUT_SCALE {input_scale}f
#define TRAZO_INPUT_ZERO_POINT ({input_zero})
#define TRAZO_OUTPUT_SCALE {output_scale}f
#define TRAZO_OUTPUT_ZERO_POINT ({output_zero})

static const char *const trazo_labels[TRAZO_LABELS] = {{
{labels}
}};

static inline int8_t trazo_quantize(uint8_t pixel) {{
  return (int8_t)({quantize});
}}

static inline float trazo_dequantize(int8_t output) {{
  return TRAZO_OUTPUT_SCALE * (float)(output - TRAZO_OUTPUT_ZERO_POINT);
}}

#ifdef __cplusplus
alignas(16)
#else
_Alignas(16)
#endif
static const unsigned char trazo_model[{size}] = {{
{array}
}};

#endif  // TRAZO_MODEL_H_
"""


def write_header(cnn: CnnModel, path: Path, rows: np.ndarray) -> None:
    """Write the header of a model.

    Args:
        cnn: the model.
        path: of the header.
        rows: to calibrate on, uint8 (n, h, w, c).
    """
    content = convert_to_int8_only(cnn, rows, path.with_suffix(".tflite"))
    path.write_text(make_header(content, cnn.config), encoding="ascii")


def make_header(content: bytes, config: CnnConfig) -> str:
    """Return the header for a LiteRT file with int8 as input and output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    (input_scale, input_zero), (output_scale, output_zero) = given["quantization"], made["quantization"]
    operators, weight_bytes = _describe_graph(content)
    height, width, channels = config.image_shape
    lines = [content[start : start + BYTES_PER_LINE] for start in range(0, len(content), BYTES_PER_LINE)]
    return TEMPLATE.format(
        title=_ascii(config.title or "Model").replace("\\", "/"),  # a backslash would continue the comment
        version=__version__,
        task=config.task,
        height=height,
        width=width,
        channels=channels,
        color="gray" if channels == 1 else "RGB",
        units=made["shape"][-1],
        output={"multiclass": "a probability per label", "binary": "the probability of the second label"}.get(
            config.task, "the number"
        ),
        operators=", ".join(operators),
        operator_count=len(operators),
        weight_bytes=weight_bytes,
        size=len(content),
        label_count=len(config.labels),
        input_scale=float(input_scale),
        input_zero=int(input_zero),
        output_scale=float(output_scale),
        output_zero=int(output_zero),
        quantize="pixel + TRAZO_INPUT_ZERO_POINT",
        labels=",\n".join(f'  "{c_string(label)}"' for label in config.labels),
        array=",\n".join("  " + ", ".join(f"0x{byte:02x}" for byte in line) for line in lines),
    )


def c_string(text: str) -> str:
    """Return a text as UTF-8 inside the quotes of a C string: what is not plain is an octal escape of three digits.

    Example:
        >>> c_string('ñ "a"')
        '\\\\303\\\\261 \\\\042a\\\\042'
    """
    plain = lambda byte: 32 <= byte < 127 and chr(byte) not in '"\\?'  # noqa: E731 - two question marks may be a trigraph
    return "".join(chr(byte) if plain(byte) else f"\\{byte:03o}" for byte in text.encode())


def read_array(header: str) -> bytes:
    """Return the LiteRT file in a header."""
    found = ARRAY.search(header)
    assert found is not None  # `write_header` has written it
    return bytes.fromhex(found[1].replace("0x", "").replace(",", ""))


def load_header(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return what runs the array of a header, image by image; see `Predict` in `converters`."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=read_array(path.read_text(encoding="ascii")))
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = made["quantization"]

    def predict_one(pixels: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], (pixels[None] + given["quantization"][1]).astype(np.int8))
        interpreter.invoke()
        return scale * (interpreter.get_tensor(made["index"]).astype(np.float32) - zero)

    return lambda pixels: np.concatenate([predict_one(image) for image in pixels])


def _describe_graph(content: bytes) -> tuple[list[str], int]:
    """Return the names of the operators in a LiteRT file, and the bytes of its constants: weights and shapes."""
    from ai_edge_litert import schema_py_generated as schema

    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    graph = schema.Model.GetRootAs(content, 0)
    codes = [graph.OperatorCodes(number) for number in range(graph.OperatorCodesLength())]
    operators = sorted({names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())] for code in codes})
    notes = {graph.Metadata(number).Buffer() for number in range(graph.MetadataLength())}
    sizes = [graph.Buffers(number).DataLength() for number in range(graph.BuffersLength()) if number not in notes]
    return operators, sum(sizes)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
