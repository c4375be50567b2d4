"""Whatever strangers send to the endpoints: a message, never a failure, and the next request is answered."""

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.running import App, running
from ui.text import Message
from ui.upload import FORMATS, read_picture

# JSON as Python writes it: NaN and infinity among the numbers, which Python's parser takes.
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
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _pictures() -> dict[str, bytes]:
    """Return a small picture in each format that is read."""
    picture, found = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)), {}
    for kind in FORMATS:
        file = io.BytesIO()
        picture.save(file, kind)
        found[kind] = file.getvalue()
    return found


PICTURES = _pictures()


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("fuzz") / "log.txt") as app:
        yield app


@pytest.fixture(scope="module")
def uploaded(app) -> dict:
    """A picture that was uploaded, as the endpoints are told of it."""
    head = b'--part\r\nContent-Disposition: form-data; name="files"; filename="picture.png"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=part"}
    upload = urllib.request.Request(f"{app.url}gradio_api/upload", head + PICTURES["PNG"] + b"\r\n--part--\r\n", kind)
    path = json.load(urllib.request.urlopen(upload, timeout=20))[0]
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def said(app: App, endpoint: str, body: bytes) -> tuple[str, object]:
    """Call an endpoint; returns how it ended (`complete`, `error`, the status of a refusal) and what came with it."""
    kind = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(f"{app.url}gradio_api/call/{endpoint}", body, kind)
        event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
    except urllib.error.HTTPError as refusal:
        return str(refusal.code), refusal.read().decode()
    events = urllib.request.urlopen(f"{app.url}gradio_api/call/{endpoint}/{event}", timeout=30).read().decode()
    name, data = events.strip().split("\n\n")[-1].split("\n")[:2]
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def check(app: App, endpoint: str, body: bytes) -> None:
    ended, data = said(app, endpoint, body)
    assert ended in ("complete", "error") or 400 <= int(ended) < 500, (ended, data)
    if ended == "error":
        assert isinstance(data["error"], str) and data["error"], data
    assert "Traceback" not in str(data) and "root:x:" not in str(data)


@pytest.mark.parametrize("endpoint", ARGUMENTS)
@FUZZ
@given(data=st.data())
def test_any_arguments_get_an_answer(app, endpoint, data):
    check(app, endpoint, json.dumps({"data": data.draw(ARGUMENTS[endpoint])}).encode())


@FUZZ
@given(kernel=KERNELS | VALUES, threshold=st.floats() | VALUES)
@example(kernel=[[float("nan")]], threshold=50)
@example(kernel=[[1] * 99] * 99, threshold=50)
@example(kernel="vertical", threshold=float("inf"))
def test_any_kernel_and_threshold_get_an_answer(app, uploaded, kernel, threshold):
    check(app, "edges", json.dumps({"data": [uploaded, kernel, threshold]}).encode())


@FUZZ
@given(data=st.data(), kind=st.sampled_from(list(PICTURES)))
def test_a_damaged_picture_is_read_or_told(data, kind):
    content = bytearray(PICTURES[kind])
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = read_picture(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except Message as message:
        assert message.key in ("picture_unreadable", "picture_too_large")
    else:
        assert pixels.ndim in (2, 3) and pixels.dtype in (np.uint8, np.uint16)


@FUZZ
@given(body=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
@example(body=b"")
@example(body=b'{"data": {}}')
@example(body=b'{"data": "x"}')
@example(body=b"[" * 20_000)
@example(body=b"Infinity")
def test_any_body_gets_an_answer(app, body):
    check(app, "classify", body)


def test_and_the_next_one_is_answered(app):
    ended, table = said(app, "trials", b'{"data": []}')
    assert ended == "complete" and np.shape(table) == (1,)
