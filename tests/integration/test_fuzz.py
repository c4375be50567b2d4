"""Any input to the endpoints: a message, never a failure, and the next request is answered."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from model.preprocess.formats import FORMATS, ImageError, register_heif
from tests.support.app_server import ROOT, App
from tests.support.images import encode_image
from ui.i18n import SERVER_TEXT, Language, UserError
from ui.server.images import read_image

# JSON as Python writes it: with NaN and infinity, which Python's parser accepts.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
PATHS = st.sampled_from(["/etc/passwd", "../../etc/passwd", "file:///etc/passwd", "", "\0", "http://127.0.0.1:1/a.png"])
FILES = st.fixed_dictionaries(
    {"path": PATHS | VALUES},
    optional={"meta": st.just({"_type": "gradio.FileData"}) | VALUES, "url": PATHS | VALUES, "orig_name": VALUES},
)
DRAWINGS = st.fixed_dictionaries(
    {}, optional={"composite": FILES | VALUES, "layers": st.lists(FILES, max_size=2) | VALUES, "id": VALUES}
)
KERNELS = st.integers(0, 40).flatmap(
    lambda side: (
        st.lists(st.lists(st.floats() | VALUES, min_size=side, max_size=side), min_size=side, max_size=side)
        if side < 6
        else st.just([[1] * side] * side)
    )
)
ARGUMENTS = {
    "classify": st.tuples(FILES | DRAWINGS | VALUES) | st.lists(VALUES, max_size=3),
    "edges": st.tuples(FILES | VALUES, KERNELS | VALUES, st.floats() | VALUES) | st.lists(VALUES, max_size=5),
    "trials": st.lists(VALUES, max_size=2),
}
FUZZ = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _images() -> dict[str, bytes]:
    """Return a small image in each accepted format."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    kinds = list(FORMATS)
    try:
        register_heif()
    except ImageError:  # the package is not installed
        kinds.remove("HEIF")
    return {kind: encode_image(pixels, kind) for kind in kinds}


IMAGES = _images()


@pytest.fixture(scope="module")
def uploaded(app) -> dict:
    return app.upload(IMAGES["PNG"])


@pytest.fixture(scope="module")
def events(app) -> list[tuple[int, int]]:
    """Every event that runs on the server, of the page and the endpoints: its number and its number of inputs."""
    page = app.config()
    return [(event["id"], len(event["inputs"])) for event in page["dependencies"] if event["backend_fn"]]


def is_server_text(text: str, language: Language) -> bool:
    """Return whether a text is one of `SERVER_TEXT`, with any values in its fields."""
    patterns = (re.sub(r"\\{\w+\\}", ".*", re.escape(one)) for one in SERVER_TEXT[language].values())
    return any(re.fullmatch(pattern, text, re.DOTALL) for pattern in patterns)


def check_call(app: App, endpoint: str, body: bytes) -> None:
    for language in ("es", "en"):
        ended, data = app.call(endpoint, body, language)
        assert ended in ("complete", "error") or 400 <= int(ended) < 500, (ended, data)
        assert ended != "error" or is_server_text(data["error"], language), data
        assert "Traceback" not in str(data) and "root:x:" not in str(data)


def check_event(app: App, event: int, data: list, **fields: object) -> None:
    answered, output = app.run_event(event, data, "es", **fields)
    assert answered or is_server_text(output["error"], "es"), (event, data, output)
    assert "Traceback" not in str(output) and "root:x:" not in str(output)


@pytest.mark.parametrize("endpoint", ARGUMENTS)
@FUZZ
@given(data=st.data())
def test_endpoint_any_arguments_get_an_answer(app, endpoint, data):
    check_call(app, endpoint, json.dumps({"data": data.draw(ARGUMENTS[endpoint])}).encode())


@pytest.mark.parametrize(
    "value",
    [None, True, -7, math.nan, math.inf, 10**400, "x", "", [], [5, True], [None], [[None]], [[[1]]], {}, {"path": 3}],
    ids=repr,
)
def test_event_any_value_gets_an_answer(app, events, value):
    for event, inputs in events:
        check_event(app, event, [value] * inputs)


@FUZZ
@given(data=st.data(), further=st.fixed_dictionaries({}, optional={"event_data": VALUES, "batched": st.booleans()}))
def test_event_any_payload_gets_an_answer(app, events, data, further):
    event, inputs = data.draw(st.sampled_from(events))
    values = st.lists(FILES | VALUES, min_size=inputs, max_size=inputs) | st.lists(VALUES, max_size=9)
    check_event(app, event, data.draw(values), **further)


def test_event_server_files_are_not_read(app, events):
    """Each gets an image that was not uploaded: none answers as it does for one that was."""
    inside = str(ROOT / "ui" / "photos" / "coins.jpg")
    for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
        for event, inputs in events:
            answered, output = app.run_event(event, [{"path": inside, **meta}, *[None] * 9][:inputs])
            assert not (answered and inputs) or "data:image" not in str(output["data"]), (event, output)


def test_small_requests_do_not_take_much_memory(app, uploaded):
    app.call("classify", json.dumps({"data": [uploaded]}).encode())  # afterwards the network is loaded
    page = app.config()
    before = app.page_memory_mb()
    for component in page["components"]:
        target = {"fn_name": "accept_blobs", "session_hash": "a", "component_id": component["id"]}
        fields = target | {"type": "layer", "index": 30_000_000, "id": "1", 'file"; filename="a.png': "x"}
        form = "".join(
            f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        multipart = f"{form}--part--\r\n".encode(), "multipart/form-data; boundary=part"
        for sent in ((json.dumps(target | {"data": fields}).encode(),), multipart):
            status, answer = app.post("gradio_api/component_server", *sent)
            assert 400 <= status < 500, answer
    assert app.page_memory_mb() < before + 50


@FUZZ
@given(kernel=KERNELS | VALUES, threshold=st.floats() | VALUES)
@example(kernel=[[float("nan")]], threshold=50)
@example(kernel=[[1] * 99] * 99, threshold=50)
@example(kernel="vertical", threshold=float("inf"))
def test_edges_any_kernel_and_threshold_get_an_answer(app, uploaded, kernel, threshold):
    check_call(app, "edges", json.dumps({"data": [uploaded, kernel, threshold]}).encode())


@FUZZ
@given(data=st.data(), kind=st.sampled_from(list(IMAGES)))
def test_read_image_damaged_file_is_read_or_refused(data, kind):
    content = bytearray(IMAGES[kind])
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = read_image(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except UserError as message:
        assert message.key in ("image_unreadable", "image_too_large", "image_too_costly")
    else:
        assert pixels.ndim in (2, 3) and pixels.dtype in (np.uint8, np.uint16)


@FUZZ
@given(body=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
@example(body=b"")
@example(body=b'{"data": {}}')
@example(body=b'{"data": "x"}')
@example(body=b"[" * 20_000)
@example(body=b"Infinity")
def test_endpoint_any_body_gets_an_answer(app, body):
    check_call(app, "classify", body)


def test_next_request_is_answered(app):
    ended, table = app.call("trials", b'{"data": []}')
    assert ended == "complete" and np.shape(table) == (1,)
    assert "Traceback" not in app.log.read_text()
