"""Pages of other models: opened once, bounded in number, closed and opened again; and what leads to them."""

import asyncio
from contextlib import asynccontextmanager
from threading import Event

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message

from model.errors import ModelError
from ui.i18n import SERVER_TEXT
from ui.server.allowed_models import AllowedModels
from ui.server.model_pages import FAILURE_TTL_S, ModelPages, ModelPagesMiddleware

ALL = AllowedModels(any_owner=True)


class TinyModel:
    """A model whose page answers with its name and the path."""

    def __init__(self, name: str) -> None:
        self.name, self.path, self.log = name, f"/models/{name}", []
        self.hold: asyncio.Event | None = None  # until which it does not answer

    async def app(self, scope, receive, send) -> None:
        if self.hold:
            await self.hold.wait()
        await PlainTextResponse(f"{self.name} {scope['path']}")(scope, receive, send)

    @asynccontextmanager
    async def running(self):
        self.log.append("begins")
        yield
        self.log.append("ends")

    def close(self) -> None:
        self.log.append("closed")


class Opener:
    """Opens tiny models, and remembers them."""

    def __init__(self) -> None:
        self.opened: list[TinyModel] = []
        self.error: Exception | None = None
        self.may_open = Event()
        self.may_open.set()

    def __call__(self, name: str) -> TinyModel:
        self.may_open.wait(10)
        if self.error:
            raise self.error
        self.opened.append(TinyModel(name))
        return self.opened[-1]

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.opened]


@pytest.fixture
def opener() -> Opener:
    return Opener()


async def ask(pages: ModelPages, path: str, host: str = "192.0.2.1") -> tuple[int, str]:
    """Ask the server for a path; returns status and text."""

    async def own_page(scope, receive, send) -> None:
        await PlainTextResponse(f"own {scope['path']}")(scope, receive, send)

    sent: list[Message] = []

    async def send(event: Message) -> None:
        sent.append(event)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "client": (host, 1)}
    scope |= {"scheme": "http", "server": ("localhost", 80), "root_path": ""}
    await ModelPagesMiddleware(own_page, pages)(scope, None, send)
    return sent[0]["status"], b"".join(event.get("body", b"") for event in sent[1:]).decode()


def request(path: str = "/", root_path: str = "", **headers: str) -> Request:
    named = {"host": "localhost"} | {name.replace("_", "-"): text for name, text in headers.items()}
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "scheme": "http"}
    scope |= {"headers": [(name.encode(), text.encode()) for name, text in named.items()]}
    return Request(scope | {"server": ("localhost", 80), "root_path": root_path})


def test_pages_are_opened_once_and_answer_below_their_path(opener):
    async def run():
        pages = ModelPages(ALL, opener)
        answers = await asyncio.gather(*(ask(pages, "/models/ana/digits/config", f"192.0.2.{n}") for n in range(9)))
        assert set(answers) == {(200, "ana/digits /models/ana/digits/config")}
        assert await ask(pages, "/models/bea/b") == (200, "bea/b /models/bea/b/")
        assert await ask(pages, "/config") == (200, "own /config")
        assert [model.name for model in pages.open_models] == ["ana/digits", "bea/b"]

    asyncio.run(run())
    assert opener.names == ["ana/digits", "bea/b"]


def test_pages_share_the_files_that_are_the_same_and_open_nothing_for_them(opener):
    async def run():
        pages = ModelPages(ALL, opener)
        for path in ("/assets/a.js", "/static/img/a.svg", "/panels/lesson.json", "/theme.css"):
            assert await ask(pages, f"/models/ana/digits{path}") == (200, f"own {path}")

    asyncio.run(run())
    assert not opener.opened


def test_page_asked_longest_ago_is_closed_for_another_and_opened_again(opener):
    async def run():
        pages = ModelPages(ALL, opener, max_open=2)
        for name in ("a/a", "b/b", "a/a", "c/c"):
            assert (await ask(pages, f"/models/{name}/config"))[0] == 200
        while opener.opened[1].log != ["begins", "ends", "closed"]:
            await asyncio.sleep(0.001)
        assert [model.name for model in pages.open_models] == ["a/a", "c/c"]
        assert await ask(pages, "/models/b/b/config") == (200, "b/b /models/b/b/config")

    asyncio.run(run())
    assert opener.names == ["a/a", "b/b", "c/c", "b/b"]


def test_page_that_answers_somebody_is_not_closed_but_one_that_is_only_open_is(opener):
    async def run():
        pages = ModelPages(ALL, opener, max_open=1)
        await ask(pages, "/models/a/a/config")
        (model,) = opener.opened
        model.hold = asyncio.Event()
        busy = asyncio.create_task(ask(pages, "/models/a/a/gradio_api/queue/data"))
        await asyncio.sleep(0)
        assert await ask(pages, "/models/b/b/config") == (429, f'{{"detail":"{SERVER_TEXT["en"]["models_busy"]}"}}')
        model.hold.set()
        assert (await busy)[0] == 200
        model.hold = asyncio.Event()
        listening = asyncio.create_task(ask(pages, "/models/a/a/gradio_api/heartbeat/session"))
        await asyncio.sleep(0)
        assert (await ask(pages, "/models/b/b/config"))[0] == 200
        model.hold.set()
        await listening

    asyncio.run(run())


def test_model_that_cannot_be_opened_is_reported_and_not_asked_for_again_for_some_time(opener):
    now = [0.0]
    opener.error = ModelError("'a/a' has no /home/host/cache/trazo.json: publish it again")

    async def run():
        pages = ModelPages(ALL, opener, clock=lambda: now[0])
        status, text = await ask(pages, "/models/a/a/")
        assert status == 404 and "a/a cannot be opened" in text.replace("&#x27;", "'") and "/home" not in text
        assert text.startswith("<!doctype html>") and 'href="http://localhost/"' in text
        opener.error = None
        assert (await ask(pages, "/models/a/a/config"))[0] == 404 and not opener.opened
        now[0] = FAILURE_TTL_S + 1
        assert (await ask(pages, "/models/a/a/config"))[0] == 200

    asyncio.run(run())


def test_failure_of_the_program_shows_no_detail(opener, caplog):
    opener.error = RuntimeError("secret")
    status, text = asyncio.run(ask(ModelPages(ALL, opener), "/models/a/a/config"))
    assert status == 404 and "secret" not in text and "secret" in caplog.text


def test_visitor_who_leaves_does_not_cancel_what_others_wait_for(opener):
    opener.may_open.clear()

    async def run():
        pages = ModelPages(ALL, opener)
        first = asyncio.create_task(ask(pages, "/models/a/a/config", "192.0.2.1"))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(ask(pages, "/models/a/a/config", "192.0.2.2"))
        await asyncio.sleep(0.01)
        first.cancel()
        opener.may_open.set()
        assert (await second)[0] == 200

    asyncio.run(run())
    assert opener.names == ["a/a"]


def test_visitor_who_opens_many_lets_another_be_next(opener):
    opener.may_open.clear()

    async def run():
        pages = ModelPages(ALL, opener, max_open=9)
        many = [asyncio.create_task(ask(pages, f"/models/a/{n}/config", "192.0.2.1")) for n in range(5)]
        await asyncio.sleep(0.01)
        other = asyncio.create_task(ask(pages, "/models/b/b/config", "192.0.2.2"))
        await asyncio.sleep(0.01)
        opener.may_open.set()
        await asyncio.gather(*many, other)

    asyncio.run(run())
    assert opener.names[:2] == ["a/0", "b/b"] and len(opener.names) == 6


@pytest.mark.parametrize("path", ["/models/ana/digits/", "/models/ana/digits/config", "/models/ana/digits/assets/a.js"])
def test_page_that_is_not_allowed_opens_nothing(opener, path):
    status, text = asyncio.run(ask(ModelPages(AllowedModels(), opener), path))
    assert status == 403 and SERVER_TEXT["en"]["model_closed"] in text and not opener.opened


@pytest.mark.parametrize(
    ("query", "target"),
    [
        (b"model=ana/digits", "http://localhost/models/ana/digits/"),
        (
            b"tab=edges&model=ana%2Fdigits&kernel=1,0,-1",
            "http://localhost/models/ana/digits/?tab=edges&kernel=1%2C0%2C-1",
        ),
        (b"tab=edges", None),
        (b"model=someone/own", None),
    ],
)
def test_link_leads_to_the_page_of_a_model_with_all_else_that_it_asks_for(query, target):
    answer = ModelPages(ALL, own="someone/own").follow_link(request(), query)
    assert (answer and answer.headers["location"]) == target


@pytest.mark.parametrize(("root", "path"), [("/demo", "/"), ("/demo", "/demo/")])
def test_link_leads_below_the_path_of_a_proxy(root, path):
    pages = ModelPages(ALL, root_path=lambda: root)
    headers = {"x_forwarded_host": "school.org", "x_forwarded_proto": "https"}
    answer = pages.follow_link(request(path, root, **headers), b"model=a/b")
    assert answer.headers["location"] == "https://school.org/demo/models/a/b/"


@pytest.mark.parametrize("name", ["digits", "../../etc", "//evil.example", "a/b/c", "a/b?x", "<b>", "", "a" * 200])
def test_link_to_something_else_than_a_model_is_refused_with_a_page(name):
    answer = ModelPages(ALL).follow_link(request(), f"model={name}".encode())
    if name == "":
        assert answer is None
        return
    assert answer.status_code == 403 and answer.media_type == "text/html" and b"<b>" not in answer.body


def test_link_is_refused_in_the_visitors_language():
    answer = ModelPages().follow_link(request(accept_language="es"), b"model=ana/digits")
    assert answer.status_code == 403 and SERVER_TEXT["es"]["model_closed"] in answer.body.decode()
    assert SERVER_TEXT["es"]["to_own_model"] in answer.body.decode()


def test_pages_answer_quickly_while_one_is_opened(opener):
    async def run():
        pages = ModelPages(ALL, opener)
        await ask(pages, "/models/a/a/config")
        opener.may_open.clear()
        slow = asyncio.create_task(ask(pages, "/models/b/b/config", "192.0.2.2"))
        await asyncio.sleep(0.01)
        assert (await ask(pages, "/models/a/a/config"))[0] == 200 and not slow.done()
        opener.may_open.set()
        assert (await slow)[0] == 200

    asyncio.run(run())
