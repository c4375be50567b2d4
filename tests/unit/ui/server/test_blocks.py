"""Whatever an event trips over is told in the request's language, and leaves no trace."""

import asyncio
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
        (1, ["", 1, {"path": "http://127.0.0.1:1/a.png", "meta": {"_type": "gradio.FileData"}}], "address_unreachable"),
        (1, ["", 1, {"path": "a", "meta": 3}], "failed"),
        (2, [], "failed"),
    ],
)
def test_what_fails_is_told(page, capsys, event, inputs, key, language):
    request = SimpleNamespace(headers={"accept-language": language})
    for sender in (request, [request]):  # as one, and as what says that it is a batch
        with pytest.raises(gr.Error) as told:
            asyncio.run(page.process_api(page.fns[event], inputs, request=sender))
        assert told.value.message == SERVER_TEXT[language][key] and not told.value.print_exception
    logged = capsys.readouterr().err
    assert logged.count("\n") == (2 if key == "failed" else 0) and "Traceback" not in logged


def test_an_error_keeps_nothing_of_what_was_worked_on():
    class Picture:
        pass

    held = []

    def cut_out() -> None:
        ink = Picture()
        held.append(weakref.ref(ink))
        raise ValueError("blank")

    def work(_: str) -> None:
        pixels = Picture()
        held.append(weakref.ref(pixels))
        try:
            cut_out()
        except ValueError:
            raise UserError("drawing_blank") from None

    with Page() as page:
        gr.on([], work, text := gr.Textbox(), text)
    with pytest.raises(gr.Error) as told:
        asyncio.run(page.process_api(page.fns[0], [""], request=SimpleNamespace(headers={})))
    assert told.value.message and [one() for one in held] == [None, None]


def test_what_does_not_fail_is_answered(page):
    assert asyncio.run(page.process_api(page.fns[1], ["", 1, "a"]))["data"] == [0]
