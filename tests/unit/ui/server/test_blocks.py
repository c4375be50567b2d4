"""Any failure of an event is reported in the request's language and leaves no traceback."""

import asyncio
import errno
import weakref
from types import SimpleNamespace

import gradio as gr
import pytest

from ui.i18n import SERVER_TEXT, UserError
from ui.server.blocks import Page


def fail(text: str) -> str:
    if text == "message":
        raise UserError("drawing_blank")
    raise ZeroDivisionError("secret\nsecond line")


@pytest.fixture(scope="module")
def page() -> Page:
    with Page() as page:
        text, number, choice = gr.Textbox(), gr.Number(), gr.Dropdown(["a"])
        gr.on([], fail, text, text)
        gr.on([], lambda *inputs: 0, [text, number, choice], number)
        gr.on([], lambda: "one of two", None, [text, number])
    return page


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("event", "inputs", "key"),
    [
        (0, ["message"], "drawing_blank"),
        (0, ["else"], "failed"),
        (0, [], "failed"),
        (1, ["", "", ["no choice"]], "failed"),
        (1, ["", 1, "no choice"], "failed"),  # Gradio's own error, in English
        (1, ["", 1, {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}], "failed"),
        (1, ["", 1, {"path": "http://127.0.0.1:1/a.png", "meta": {"_type": "gradio.FileData"}}], "address_limit"),
        (1, ["", 1, {"path": "a", "meta": 3}], "failed"),
        (2, [], "failed"),
    ],
)
def test_page_event_failure_is_reported(page, caplog, event, inputs, key, language):
    request = SimpleNamespace(headers={"accept-language": language})
    for sender in (request, [request]):  # a single request, and one that says it is a batch
        with pytest.raises(gr.Error) as shown:
            asyncio.run(page.process_api(page.fns[event], inputs, request=sender))
        assert shown.value.message == SERVER_TEXT[language][key] and not shown.value.print_exception
    logged = [record.getMessage() for record in caplog.records if record.name == "trazo"]
    assert len(logged) == (2 if key == "failed" else 0)
    assert not any("\n" in line or "Traceback" in line for line in logged)


def test_page_event_on_a_full_disk_says_so(caplog):
    def fill(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Page() as page:
        gr.on([], fill, text := gr.Textbox(), text)
    with pytest.raises(gr.Error) as shown:
        asyncio.run(page.process_api(page.fns[0], [""], request=SimpleNamespace(headers={"accept-language": "es"})))
    assert shown.value.message == SERVER_TEXT["es"]["disk_full"] and "No space left" in caplog.text


def test_page_event_url_reaches_no_download_of_gradio(monkeypatch):
    """Gradio fetches any URL in any input, and asks dns.google for hosts without a public address."""
    asked = []
    monkeypatch.setattr("safehttpx.get", lambda url, **_: asked.append(url))
    with Page() as page:
        value, image = gr.JSON(), gr.Image()
        gr.on([], lambda *_: None, [value, image], None)
    url = {"path": "http://192.168.0.1/x", "meta": {"_type": "gradio.FileData"}}
    for inputs in ([url, None], [[{"a": url}], None], [None, url], [None, {"composite": url}], [None, [url]]):
        with pytest.raises(gr.Error):
            asyncio.run(page.process_api(page.fns[0], inputs, request=SimpleNamespace(headers={})))
    assert asked == []


def test_page_event_url_is_fetched_for_the_visitor_who_asks(monkeypatch):
    seen = []

    async def fetch(url: str, visitor: str) -> str:
        seen.append((url, visitor))
        raise UserError("busy")

    monkeypatch.setattr("ui.server.blocks.fetch", fetch)
    with Page() as page:
        image = gr.Image(type="filepath")
        gr.on([], lambda _: None, image, None)
    url = {"path": "https://a.org/x", "meta": {"_type": "gradio.FileData"}}
    request = SimpleNamespace(headers={}, client=SimpleNamespace(host="192.0.2.7"))
    with pytest.raises(gr.Error):
        asyncio.run(page.process_api(page.fns[0], [url], request=request))
    assert seen == [("https://a.org/x", "192.0.2.7")]


def test_page_event_failure_releases_images():
    class Pixels:
        pass

    held = []

    def cut_out() -> None:
        ink = Pixels()
        held.append(weakref.ref(ink))
        raise ValueError("blank")

    def work(_: str) -> None:
        pixels = Pixels()
        held.append(weakref.ref(pixels))
        try:
            cut_out()
        except ValueError:
            raise UserError("drawing_blank") from None

    with Page() as page:
        gr.on([], work, text := gr.Textbox(), text)
    with pytest.raises(gr.Error) as shown:
        asyncio.run(page.process_api(page.fns[0], [""], request=SimpleNamespace(headers={})))
    assert shown.value.message and [reference() for reference in held] == [None, None]


def test_page_event_success_is_returned(page):
    assert asyncio.run(page.process_api(page.fns[1], ["", 1, "a"]))["data"] == [0]
