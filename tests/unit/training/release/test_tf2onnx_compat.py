"""The private names of tf2onnx exist, and take the operation that it lacks."""

from tf2onnx.handler import tf_op

from training.release.tf2onnx_compat import register_erfc


def find_handlers() -> list:
    return [known["Erfc"] for known in tf_op.get_opsets()[""] if "Erfc" in known]


def test_register_erfc_called_twice_adds_the_handler_once():
    register_erfc()
    handlers = find_handlers()
    register_erfc()
    assert handlers and find_handlers() == handlers
