"""What the READMEs tell programs to do, word for word, and the MCP server."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from tests.running import ROOT, App, running
from tests.test_app import picture
from ui.edges import edge_map
from ui.upload import read_picture


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with running(tmp_path_factory.mktemp("programs") / "log.txt", GRADIO_MCP_SERVER="True") as app:
        yield app


@pytest.fixture
def folder(tmp_path) -> Path:
    picture(tmp_path)
    (tmp_path / "photo.jpg").write_bytes((ROOT / "ui" / "photos" / "coffee.jpg").read_bytes())
    return tmp_path


def blocks(readme: str, kind: str, app: App) -> str:
    """Return the section's code of a kind, with the address of the running app."""
    section = re.search(r"## (?:From a program|Desde un programa)\n(.*?)\n## ", (ROOT / readme).read_text(), re.DOTALL)[
        1
    ]
    (code,) = re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    return code.replace("http://127.0.0.1:7860", app.url.rstrip("/"))


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_python(app, folder, monkeypatch, readme):
    monkeypatch.chdir(folder)
    said: dict = {}
    exec(blocks(readme, "python", app), said)
    assert said["answer"]["label"] == "7" and len(said["answer"]["confidences"]) == 10
    expected = edge_map(read_picture(str(folder / "photo.jpg")), "sobel", 50)
    assert (np.asarray(Image.open(said["edges"]).convert("L")) == expected).all()
    assert "score" in said["trials"]["headers"] and said["trials"]["data"]


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_curl(app, folder, readme):
    result = subprocess.run(
        ["sh", "-ec", blocks(readme, "sh", app)], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert "event: complete" in result.stdout, result.stdout + result.stderr
    (found,) = json.loads(result.stdout.split("data: ")[1].splitlines()[0])
    assert found["url"].startswith(app.url) and found["path"].endswith(".png")


def test_an_mcp_client_finds_and_uses_the_tools(app):
    photo = {"picture": f"{app.url}gradio_api/file=nowhere.png", "kernel": [[1]], "threshold": 50}

    async def use() -> tuple[set[str], str, bool]:
        async with (
            streamable_http_client(f"{app.url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            trials = await session.call_tool("trials", {})
            bad = await session.call_tool("find_edges", photo)
            return tools, trials.content[0].text, bad.isError

    tools, trials, failed = asyncio.run(use())
    assert {"classify", "find_edges", "trials"} <= tools
    assert "'headers'" in trials and "COMPLETED" in trials
    assert failed
