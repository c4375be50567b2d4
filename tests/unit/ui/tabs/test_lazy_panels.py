"""The figures of a page are made once per language, and again when the reports or the choice change."""

import threading
import time
from types import SimpleNamespace

import gradio as gr
import pytest

from ui.i18n import UserError
from ui.tabs import lazy_panels
from ui.tabs.choosers import Choosers
from ui.tabs.lazy_panels import LazyPanels

SPANISH = SimpleNamespace(headers={"accept-language": "es"})


@pytest.fixture
def load(monkeypatch):
    """Return the function that fills the panels, and the list of the languages that they were made in."""
    made: list[str] = []

    def values_in(language: str) -> list[str]:
        made.append(language)
        time.sleep(0.05)
        return [f"figure in {language}"]

    panels, registered = LazyPanels(), []
    panels.add_values([], values_in)
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


class Live:
    """A page of panels whose content may change, without a browser: its events are called as Gradio calls them."""

    def __init__(self) -> None:
        self.version, self.names, self.made = 1, ["a", "b", "c"], 0
        with gr.Blocks() as self.demo:
            panels = LazyPanels()
            choosers = panels.add_choosers(Choosers(["tuning_slice_of"], self.list_names))
            panels.add("tuning_slice", self.render, gr.HTML, choosers)
            panels.load_with(self.demo, lambda: self.version, is_live=True)
        self.events = {function.name: function.fn for function in self.demo.fns.values()}

    def list_names(self) -> list[str]:
        if not self.names:
            raise UserError("too_few_trials")
        return self.names

    def render(self, language: str, name: str) -> str:
        self.made += 1
        return f"{name} of version {self.version} in {language}"


def test_refresh_makes_nothing_while_nothing_changes():
    page = Live()
    assert page.events["refresh"](SPANISH, 1, "b") == gr.skip() and page.made == 0
    assert page.events["refresh"](SPANISH, None, "b") == gr.skip()  # the page is still loading


def test_refresh_keeps_what_was_chosen():
    page = Live()
    page.version = 2
    chooser, value, _, now = page.events["refresh"](SPANISH, 1, "b")
    assert (now, value, chooser["value"]) == (2, "b of version 2 in es", "b")
    page.names = ["c", "d"]
    chooser, value, _, _ = page.events["refresh"](SPANISH, 1, "b")
    assert value.startswith("c of") and [name for _, name in chooser["choices"]] == ["c", "d"]


def test_refresh_fills_what_was_empty_at_the_start():
    page = Live()
    page.names = []
    chooser, value, help_text, _ = page.events["refresh"](SPANISH, 0, None)
    assert 'class="unavailable"' in value and chooser["interactive"] is False and help_text["visible"] is False
    page.names = ["a"]
    chooser, value, help_text, _ = page.events["refresh"](SPANISH, 0, None)
    assert value.startswith("a of") and chooser["value"] == "a" and help_text["visible"] is True


def test_load_reads_again_only_what_has_changed():
    page = Live()
    first = page.events["load"](SPANISH)
    assert page.events["load"](SPANISH) == first and page.made == 1
    page.version = 2
    assert page.events["load"](SPANISH)[1] == "a of version 2 in es"


def test_panels_of_files_that_do_not_change_have_no_timer():
    with gr.Blocks() as demo:
        panels = LazyPanels()
        panels.add("tuning_slice", lambda language: language, gr.HTML)
        panels.load_with(demo)
    assert not [block for block in demo.blocks.values() if isinstance(block, gr.Timer)]
    assert [block for block in Live().demo.blocks.values() if isinstance(block, gr.Timer)]


@pytest.mark.parametrize("component", [gr.Plot, gr.HTML, gr.Dataframe])
def test_panel_that_cannot_be_shown_says_why(component):
    def fail(language: str) -> None:
        raise UserError("report_missing", file="trials.json")

    with gr.Blocks() as demo:
        panels = LazyPanels()
        panels.add("tuning_trials", fail, component)
        panels.load_with(demo)
    (event,) = [function.fn for function in demo.fns.values() if function.name == "load"]
    value, help_text = event(SPANISH)
    assert "trials.json" in str(value) and help_text["visible"] is False


def test_choosers_several_of_one_dropdown_keep_what_is_still_possible():
    names = list("abcdef")
    with gr.Blocks():
        choosers = Choosers(["tuning_parallel_of"], lambda: names, 3)
    assert choosers.dropdowns[0].value == ["a", "b", "c"] and choosers.kept() == [["a", "b", "c"]]
    names.remove("b")
    assert choosers.kept(["f", "b"]) == [["f"]] and choosers.kept([]) == [[]] and choosers.kept(None) == [[]]


def test_choosers_have_no_name_that_gradio_would_translate():
    """Its own catalog has an object under `blocks`, which it warns of."""
    with gr.Blocks():
        choosers = Choosers(["tuning_slice_of"], lambda: ["blocks"])
    assert choosers.dropdowns[0].choices == [("number of blocks", "blocks")]


def test_choosers_start_with_what_is_to_come_first():
    with gr.Blocks():
        choosers = Choosers(["tuning_first", "tuning_second"], lambda: list("abc"), first=lambda: ["c", "x"])
    assert choosers.kept() == ["c", "a"] and choosers.kept("b", None) == ["b", "a"]
    with gr.Blocks():
        lonely = Choosers(["tuning_first", "tuning_second"], lambda: ["a"])
    with pytest.raises(UserError):
        lonely.kept()
