"""The figures of a page are made once per language, also when its first visitors come at the same time."""

import threading
import time
from types import SimpleNamespace

import pytest

from ui.tabs import lazy_panels
from ui.tabs.lazy_panels import LazyPanels


@pytest.fixture
def load(monkeypatch):
    """Return the function that fills the panels, and the list of the languages that they were made in."""
    made: list[str] = []

    def values_in(language: str) -> list[str]:
        made.append(language)
        time.sleep(0.05)
        return [f"figure in {language}"]

    panels, registered = LazyPanels(), []
    panels._panels.append(lazy_panels._Panel([], values_in))
    panels.load_with(SimpleNamespace(load=lambda load, *_, **__: registered.append(load)))
    monkeypatch.setattr(lazy_panels, "language_of", lambda request: request)
    return registered[0], made


def test_load_visitors_at_the_same_time_make_figures_once(load):
    fill, made = load
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda n=n: found.append(fill("es" if n % 2 else "en"))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (
        sorted(made) == ["en", "es"] and sorted(map(tuple, found)) == [("figure in en",)] * 4 + [("figure in es",)] * 4
    )
