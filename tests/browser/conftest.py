"""One app and one browser for all browser tests of a process, and a freshly loaded page for each test.

Their scope is the package: Playwright keeps an event loop running, with which `asyncio.run` in other tests would fail.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.actions import PRETRAINED, opened
from tests.support.app_server import WITHOUT_NETWORK, App, running
from tests.support.run_reports import write
from tests.support.search_report import REPORT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="package")
def launch_browser() -> Iterator[Callable]:
    """Start headless Chromium with further switches; skip the test if none is installed, except in CI."""
    if not CHROMIUM and os.environ.get("CI") != "true":
        pytest.skip("no chromium, chromium-browser or google-chrome on the PATH")
    assert CHROMIUM, "no chromium, chromium-browser or google-chrome on the PATH"
    with sync_playwright() as playwright:
        yield lambda *switches: playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *switches]
        )


@pytest.fixture(scope="package")
def browser(launch_browser) -> Iterator:
    chromium = launch_browser()
    yield chromium
    chromium.close()


@pytest.fixture(scope="package")
def app(browser, tmp_path_factory) -> Iterator[App]:
    """The app with its own model."""
    with running(tmp_path_factory.mktemp("browser") / "log.txt") as app:
        yield app


@pytest.fixture(scope="package")
def searched_app(browser, tmp_path_factory) -> Iterator[App]:
    """An app whose model has a whole search, parts of it hostile, and no images of its mistakes."""
    folder = tmp_path_factory.mktemp("searched")
    shutil.copytree(PRETRAINED, folder / "model")
    (folder / "model" / "study.json").unlink(missing_ok=True)
    (folder / "model" / "trials.json").write_text(json.dumps(REPORT))
    evaluation = json.loads((folder / "model" / "evaluation.json").read_text())
    del evaluation["mistakes"]
    (folder / "model" / "evaluation.json").write_text(json.dumps(evaluation))
    with running(folder / "log.txt", *WITHOUT_NETWORK, MODEL_ID=str(folder / "model")) as app:
        yield app


@pytest.fixture
def running_search(browser, tmp_path) -> Iterator[tuple[App, Path]]:
    """An app for the folder of a search that has not led to a model yet, to compare with another; and the folder."""
    folder = tmp_path / "search"
    folder.mkdir()
    write(folder, "trials.json", REPORT | {"trials": REPORT["trials"][:3], "best_trial": "02", "importance": None})
    models = {"MODEL_ID": str(folder), "COMPARE_ID": str(PRETRAINED)}
    with running(tmp_path / "log.txt", *WITHOUT_NETWORK, **models) as app:
        yield app, folder


@pytest.fixture
def open_page(request, browser) -> Iterator[Callable]:
    """Open pages: `open_page(language, app=…, browser=…, **context_options)`."""
    with ExitStack() as pages:

        def open_page(language: str = "es", app: App | None = None, browser=browser, **options):
            app = app or request.getfixturevalue("app")
            return pages.enter_context(opened(browser, app, language, **options))

        yield open_page


@pytest.fixture
def page(open_page):
    """The page in Spanish in a desktop window."""
    return open_page()
