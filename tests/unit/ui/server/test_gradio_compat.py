"""The private names of Gradio, gradio_client and safehttpx exist in the installed version."""

import inspect
from types import SimpleNamespace

import gradio as gr
import pytest

from ui.server import gradio_compat


@pytest.mark.parametrize("name", gradio_compat.__all__)
def test_imported_names_exist(name):
    assert getattr(gradio_compat, name) is not None


def test_functions_take_the_arguments_in_use():
    assert list(inspect.signature(gr.Blocks.process_api).parameters)[:3] == ["self", "block_fn", "inputs"]
    assert "request" in inspect.signature(gr.Blocks.process_api).parameters
    traverse = inspect.signature(gradio_compat.async_traverse)
    assert len(traverse.parameters) == 3 and inspect.iscoroutinefunction(gradio_compat.async_traverse)
    assert gradio_compat.is_http_url_like("https://a.org/b") and not gradio_compat.is_http_url_like("/a/b")
    assert gradio_compat.is_file_obj_with_meta({"path": "a", "meta": {"_type": "gradio.FileData"}})
    assert gradio_compat.is_in_or_equal("/a/b", "/a") and not gradio_compat.is_in_or_equal("/ab", "/a")
    assert gradio_compat.matches_domain_whitelist("hf.co", gradio_compat.PUBLIC_HOSTNAME_WHITELIST)
    assert gradio_compat.AsyncSecureTransport("93.184.215.14").verified_ip == "93.184.215.14"


def test_component_attributes_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks():
        image, slider, value = gr.Image(), gr.ImageSlider(), gr.JSON()
        examples = gr.Examples([["a.png"]], [image])
    assert gradio_compat.cache_folder(image) == gradio_compat.cache_folder(slider) == tmp_path
    assert gradio_compat.get_upload_folder() == str(tmp_path)
    assert hasattr(image, "data_model") and callable(value.api_info) and callable(value.example_payload)
    assert callable(gradio_compat.load_event(examples).then)


def test_api_schema_is_the_given_one():
    value = gr.JSON(render=False)
    gradio_compat.set_api_schema(value, {"type": "array"}, example=[1])
    assert value.api_info() == {"type": "array"} and value.example_payload() == [1]


def test_payload_model_is_the_given_one():
    component = SimpleNamespace(data_model=None)
    gradio_compat.set_payload_model(component, gradio_compat.EditorData)
    assert component.data_model is gradio_compat.EditorData
