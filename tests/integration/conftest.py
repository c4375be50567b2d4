"""What all test modules share: one running app, one process to fork others from, and images as users send them."""

from collections.abc import Callable, Iterator
from multiprocessing import forkserver, get_context
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client
from PIL import Image, ImageDraw

from tests.support.app_server import App, running

MISSING_MODEL = "nobody/no-such-model"


# What other projects, a school's network, a shared machine or an old console may have set: none of it matters here.
OTHERS_ENVIRONMENT = {
    "KERAS_BACKEND": "jax",
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "all_proxy": "ftp://127.0.0.1:9",
    "no_proxy": "fd00::/8",
    "SSL_CERT_FILE": "nowhere.pem",
    "GRADIO_ALLOWED_PATHS": "/",
    "GRADIO_NUM_PORTS": "many",
    "GRADIO_NUM_WORKERS": "2",
    "GRADIO_VIBE_MODE": "1",
    "PYTHONIOENCODING": "ascii",
}


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with the MCP server, started for a model that it cannot get, so that it uses the bundled one.

    It is open to the network, and its environment is full of others' settings. The browser tests' app has none.
    """
    folder = tmp_path_factory.mktemp("app")
    (folder / "gradio-trazo").write_text("in the way of Gradio's folder", encoding="utf-8")
    (folder / "keras.json").write_text('{"image_data_format": "channels_first", "floatx": "half"}', encoding="utf-8")
    environment = OTHERS_ENVIRONMENT | {"TMPDIR": str(folder), "KERAS_HOME": str(folder)}
    environment |= {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_MCP_SERVER": "True"}
    with running(folder / "log.txt", MODEL_ID=MISSING_MODEL, **environment) as app:
        yield app


@pytest.fixture(scope="session")
def clients(app: App) -> dict[str, Client]:
    """Gradio's client of the app in each language."""
    return {language: app.client(language) for language in ("es", "en")}


@pytest.fixture(scope="session")
def client(clients: dict[str, Client]) -> Client:
    """Gradio's client of the app in English."""
    return clients["en"]


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random colors, 60 × 80."""
    file = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)).save(file)
    return file


@pytest.fixture
def save_image(tmp_path: Path) -> Callable[..., Path]:
    """Save an image file by its name: a drawn seven, or a blank, huge, truncated or SVG file."""

    def save(name: str = "seven.png") -> Path:
        file = tmp_path / name
        image = Image.new("RGB", (200, 200), "white")
        if name == "huge.png":
            image = Image.new("1", (20_000, 10_000))
        elif name != "blank.png":
            ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], "black", 14)
        if name.endswith(".svg"):
            file.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
            return file
        image.save(file)
        if name == "truncated.png":
            file.write_bytes(file.read_bytes()[:300])
        return file

    return save


@pytest.fixture(scope="session")
def fork_server() -> None:
    """Start the process that others are forked from, with what a training needs."""
    get_context("forkserver").set_forkserver_preload(["tests.support.forked"])
    forkserver.ensure_running()
