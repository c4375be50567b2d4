"""The private names of Gradio, gradio_client and safehttpx exist in the installed version."""

import importlib.util
import inspect
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.state_holder import StateHolder
from PIL import Image

from ui.server import gradio_compat


@pytest.mark.parametrize("name", gradio_compat.__all__)
def test_imported_names_exist(name):
    assert getattr(gradio_compat, name) is not None


def test_functions_take_the_arguments_in_use():
    assert list(inspect.signature(gr.Blocks.process_api).parameters)[:3] == ["self", "block_fn", "inputs"]
    assert "request" in inspect.signature(gr.Blocks.process_api).parameters
    assert gradio_compat.is_http_url_like("https://a.org/b") and not gradio_compat.is_http_url_like("/a/b")
    assert gradio_compat.is_in_or_equal("/a/b", "/a") and not gradio_compat.is_in_or_equal("/ab", "/a")
    assert gradio_compat.matches_domain_whitelist("hf.co", gradio_compat.PUBLIC_HOSTNAME_WHITELIST)


def test_component_attributes_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks():
        image, value = gr.Image(), gr.JSON()
        examples = gr.Examples([["a.png"]], [image])
    assert gradio_compat.get_upload_folder() == image.GRADIO_CACHE == str(tmp_path)
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


def test_example_value_is_the_payload_of_its_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    Image.new("L", (9, 9)).save(tmp_path / "own.png")
    example = [str(tmp_path / "own.png")]
    with gr.Blocks():
        examples = gr.Examples([example], [gr.Image(type="filepath")])
    value = gradio_compat.example_value(examples, example)
    assert value["path"].startswith(str(tmp_path / "cache")) and value["path"].endswith("own.png")


def test_forget_temp_files_keeps_those_of_the_page(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    Image.new("L", (9, 9)).save(tmp_path / "own.png")
    with gr.Blocks() as page:
        image = gr.Image(str(tmp_path / "own.png"), type="filepath")
        gr.Examples([[str(tmp_path / "own.png")]], [image])
    page.upload_file_set.add("upload")
    image.temp_files.add("result")
    (own,) = gradio_compat.forget_temp_files(page)
    assert own.startswith(str(tmp_path / "cache")) and own.endswith("own.png")
    assert page.upload_file_set == image.temp_files == set()


def test_queue_is_replaced_with_other_limits_alone():
    class OtherQueue(gradio_compat.Queue):
        pass

    with gr.Blocks() as demo:
        pass
    application = demo.app
    gradio_compat.replace_queue(demo, OtherQueue, max_size=7, default_concurrency_limit=3)
    assert demo.app is application  # to make it again takes a tenth of a second
    assert type(demo._queue) is OtherQueue and demo._queue.blocks is demo
    wanted = gr.Blocks().queue(max_size=7, default_concurrency_limit=3)._queue
    for name in ("live_updates", "max_thread_count", "update_intervals", "max_size", "default_concurrency_limit"):
        assert getattr(demo._queue, name) == getattr(wanted, name)


def test_origin_rule_is_the_given_one(monkeypatch):
    monkeypatch.setattr(gradio_compat.CustomCORSMiddleware, "is_valid_origin", None)
    gradio_compat.set_origin_rule(lambda headers: headers["origin"] == "https://a.org")
    middleware = gradio_compat.CustomCORSMiddleware(None)
    assert middleware.is_valid_origin({"origin": "https://a.org"})
    assert not middleware.is_valid_origin({"origin": "https://b.org"})


def test_upload_progress_names_exist():
    assert isinstance(gradio_compat.file_upload_statuses._statuses, dict)
    assert isinstance(gradio_compat.file_upload_statuses._signals, dict)


def test_mcp_opens_images_at_the_given_paths(tmp_path, monkeypatch):
    monkeypatch.setattr(gradio_compat.GradioMCPServer, "get_image", None)
    Image.new("L", (3, 2)).save(tmp_path / "a.png")
    gradio_compat.set_mcp_paths(lambda path: str(tmp_path / path))
    assert gradio_compat.GradioMCPServer.get_image("a.png").size == (3, 2)


def test_drop_session_forgets_its_state():
    with gr.Blocks() as demo:
        gr.State(1)
    StateHolder().set_blocks(demo)  # as the server does
    assert gradio_compat.sessions_with_state(demo) == []
    for session in "abca":
        assert demo.state_holder[session] is not None
    assert gradio_compat.sessions_with_state(demo) == ["b", "c", "a"]
    gradio_compat.drop_session(demo, "b")
    gradio_compat.drop_session(demo, "unknown")
    assert gradio_compat.sessions_with_state(demo) == ["c", "a"] and "b" not in demo.state_holder.time_last_used


def test_keep_no_configs_sessions_keep_values_and_changes_only(monkeypatch):
    spec = importlib.util.find_spec("gradio.state_holder")
    unchanged = importlib.util.module_from_spec(spec)  # a test before this one may have changed the imported one
    spec.loader.exec_module(unchanged)
    make_session = unchanged.SessionState
    monkeypatch.setattr(gradio_compat, "SessionState", make_session)
    with gr.Blocks() as demo:
        value, text = gr.State([1]), gr.Textbox("a")
    kept = make_session(demo)
    assert {value._id, text._id} <= set(kept.config_values)  # what Gradio does by itself

    gradio_compat.keep_no_configs()

    state, other = make_session(demo), make_session(demo)
    state[value._id].append(2)
    state._update_config(text._id)
    state._update_value_in_config(text._id, "b")
    assert not state.config_values and state[text._id] is text
    assert state[value._id] == [1, 2] and other[value._id] == [1]
