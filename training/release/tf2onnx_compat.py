"""The private names of tf2onnx that are used, all in one place.

`training/release/requirements.txt` holds its exact version; `tests/unit/training/release/test_tf2onnx_compat.py` checks
the names.
"""

from typing import Any

import numpy as np
from tf2onnx.handler import tf_op


def register_erfc() -> None:
    """Let tf2onnx convert Erfc, which it lacks: TensorFlow 2.21 computes GELU with it (tensorflow-onnx#2347)."""
    if any("Erfc" in known for known in tf_op.get_opsets().get("", [])):
        return

    @tf_op("Erfc")
    class Erfc:
        @classmethod
        def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
            shapes, dtypes = node.output_shapes, node.output_dtypes
            graph.remove_node(node.name)
            erf = graph.make_node("Erf", node.input, shapes=shapes, dtypes=dtypes).output[0]
            one = graph.make_const(f"{node.name}_one", np.float32(1)).output[0]
            graph.make_node("Sub", [one, erf], outputs=node.output, name=node.name, shapes=shapes, dtypes=dtypes)
