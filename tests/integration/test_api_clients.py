"""Other programs as clients: the examples of docs/api.md, word for word, OpenAPI, agents.md, and the MCP server."""

import asyncio
import base64
import io
import json
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from tests.support.app_server import ROOT, App
from ui.edges.kernels import KERNELS
from ui.edges.render import edge_map
from ui.i18n import SERVER_TEXT
from ui.server.images import read_image


@pytest.fixture
def folder(tmp_path, save_image) -> Path:
    """A folder with the files that the examples send."""
    save_image()
    (tmp_path / "photo.jpg").write_bytes((ROOT / "ui" / "photos" / "coffee.jpg").read_bytes())
    return tmp_path


def read_example(page: str, kind: str, app: App) -> str:
    """Return a page's example in a language, with the running app's URL."""
    section = re.search(r"## (?:From a program|Desde un programa)\n(.*?)\n## ", (ROOT / page).read_text(), re.DOTALL)[1]
    (code,) = re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    return code.replace("http://127.0.0.1:7860", app.url.rstrip("/"))


@pytest.mark.parametrize("page", ["docs/api.md", "docs/api.es.md"])
def test_api_page_python_example(app, folder, monkeypatch, page):
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(read_example(page, "python", app), names)
    assert names["answer"]["label"] == "7" and len(names["answer"]["confidences"]) == 10
    expected = edge_map(read_image((folder / "photo.jpg").read_bytes()), "sobel", 50)
    assert (np.asarray(Image.open(names["edges"]).convert("L")) == expected).all()
    assert "score" in names["trials"]["headers"] and names["trials"]["data"]


@pytest.mark.parametrize("page", ["docs/api.md", "docs/api.es.md"])
def test_api_page_curl_example(app, folder, page):
    result = subprocess.run(
        ["sh", "-ec", read_example(page, "sh", app)], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert "event: complete" in result.stdout, result.stdout + result.stderr
    (found,) = json.loads(result.stdout.split("data: ")[1].splitlines()[0])
    assert found["url"].startswith(app.url) and found["path"].endswith(".png")


def with_mcp_session(app: App, use: Callable[[ClientSession], Awaitable[Any]], language: str = "en") -> Any:
    """Run a function with an MCP client's session."""

    async def connect() -> Any:
        async with (
            httpx.AsyncClient(headers={"Accept-Language": language}, timeout=60) as web,
            streamable_http_client(f"{app.url}gradio_api/mcp/", http_client=web) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await use(session)

    return asyncio.run(connect())


def data_url(file: Path, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


@pytest.mark.parametrize("page", ["docs/api.md", "docs/api.es.md"])
def test_mcp_tools_are_those_of_the_api_page(app, page):
    tools = with_mcp_session(app, lambda session: session.list_tools()).tools
    section = (ROOT / page).read_text().split("GRADIO_MCP_SERVER")[1]
    assert (
        {tool.name for tool in tools} == set(re.findall("`([a-z_]+)`", section)) == {"classify", "find_edges", "trials"}
    )
    for tool in tools:
        jsonschema.Draft202012Validator.check_schema(tool.inputSchema)
        assert "$ref" not in str(tool.inputSchema) and tool.description


@pytest.mark.parametrize("kernel", ["sobel", [[1, 0, -1], [1, 0, -1], [1, 0, -1]]])
def test_mcp_find_edges(app, folder, kernel):
    asked = {"picture": data_url(folder / "photo.jpg", "jpeg"), "kernel": kernel, "threshold": 60}  # words: ok
    result = with_mcp_session(app, lambda session: session.call_tool("find_edges", asked))
    assert not result.isError, result.content
    edges = Image.open(io.BytesIO(base64.b64decode(result.content[0].data))).convert("L")
    assert (np.asarray(edges) == edge_map(read_image((folder / "photo.jpg").read_bytes()), kernel, 60)).all()


def test_mcp_classify_and_trials(app, folder):
    asked = {"drawing": data_url(folder / "seven.png", "png")}
    result = with_mcp_session(app, lambda session: session.call_tool("classify", asked))
    assert not result.isError and "'label': '7'" in result.content[0].text, result.content
    trials = with_mcp_session(app, lambda session: session.call_tool("trials", {})).content[0].text
    assert "'headers'" in trials and "COMPLETED" in trials


@pytest.mark.parametrize("language", ["es", "en"])
def test_mcp_unusable_input_is_reported(app, folder, language):
    image = data_url(folder / "photo.jpg", "jpeg")
    for tool, asked, key in (
        ("find_edges", {"picture": image, "kernel": [[1, 2]], "threshold": 50}, "kernel_shape"),  # words: ok
        ("classify", {"drawing": "http://127.0.0.1:1/a.png"}, "address_unreachable"),
    ):
        result = with_mcp_session(app, lambda session, tool=tool, asked=asked: session.call_tool(tool, asked), language)
        assert result.isError and result.content[0].text == SERVER_TEXT[language][key].format(largest=31)


def test_documented_types_are_accepted(app):
    info = json.loads(app.get("gradio_api/info"))["named_endpoints"]
    image, kernel, threshold, flip = info["/edges"]["parameters"]
    assert flip["type"] == {"type": "boolean"} and flip["parameter_default"] is False
    (drawing,) = info["/classify"]["parameters"]
    assert image["python_type"]["type"] == drawing["python_type"]["type"] == "filepath"
    assert image["example_input"].keys() == drawing["example_input"].keys() and image["example_input"]["path"]
    assert kernel["example_input"] in KERNELS and threshold["type"] == {"type": "number"}
    assert kernel["type"]["anyOf"][0]["enum"] == list(KERNELS) and "list[list[float]]" in kernel["python_type"]["type"]


def test_openapi_describes_the_calls_by_parameter_name(app):
    found = json.loads(app.get("gradio_api/openapi.json"))
    assert found["openapi"].startswith("3.")
    calls = {path.rsplit("/", 1)[1]: one["post"] for path, one in found["paths"].items() if "/call/v2/" in path}
    assert calls.keys() == {"classify", "edges", "trials"}
    schemas = {
        name: one["requestBody"]["content"]["application/json"]["schema"]
        for name, one in calls.items()
        if "requestBody" in one
    }
    assert set(schemas["edges"]["properties"]) == {"picture", "kernel", "threshold", "flip"}  # words: ok
    assert set(schemas["classify"]["properties"]) == {"drawing"}
    assert all(f"/gradio_api/call/{name}/{{event_id}}" in found["paths"] for name in calls)


def test_agents_page_names_every_endpoint_and_its_calls_work(app, folder):
    text = app.get("agents.md").decode()
    base = app.url.rstrip("/")
    for name in ("classify", "edges", "trials"):
        assert f"| `{name}` |" in text
    assert "`find_edges`" in text and "BASE/gradio_api/mcp/" in text  # MCP is switched on
    asked, fetched, upload = re.findall(r"^    (curl .*(?:\n      .*)?)$", text, re.MULTILINE)
    uploaded = subprocess.run(
        ["sh", "-ec", upload.replace("BASE", base)], cwd=folder, capture_output=True, text=True, timeout=60
    )
    (path,) = json.loads(uploaded.stdout)
    call = asked.replace("BASE", base).replace("https://example.org/seven.png", path)
    event = json.loads(subprocess.run(["sh", "-ec", call], capture_output=True, text=True, timeout=60).stdout)[
        "event_id"
    ]
    fetch = fetched.replace("BASE", base).replace("EVENT_ID", event)
    answer = subprocess.run(["sh", "-ec", fetch], capture_output=True, text=True, timeout=60).stdout
    assert "event: complete" in answer and '"label": "7"' in answer
