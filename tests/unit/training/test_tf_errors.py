"""TensorFlow's errors in one line."""

import pytest
import tensorflow as tf

from training.tf_errors import to_portable_error


def test_tf_error_is_summarized_in_one_line():
    @tf.function
    def product(x):
        return tf.linalg.matmul(x, x)

    with pytest.raises(tf.errors.OpError) as caught:
        product.get_concrete_function(tf.TensorSpec(None))(tf.zeros((2, 3)))
    text = str(to_portable_error(caught.value))
    assert "\n" not in text and "Op:" not in text and "[2,3]" in text.replace(" ", "")
    message = (
        "Graph execution error:\n\nDetected at node model/conv defined at (most recent call last):\n"
        '  File "x.py", line 1, in f\n\nOOM when allocating tensor with shape[128,9999] and type float on cpu\n'
        "\t [[{{node model/conv}}]] [Op:__inference_f_13]"
    )
    error = tf.errors.ResourceExhaustedError(None, None, message)
    text = str(to_portable_error(error))
    assert text == "out of memory: OOM when allocating tensor with shape[128,9999] and type float on cpu"
