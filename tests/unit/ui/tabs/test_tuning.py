"""The tuning tab: what it shows, what it selects, and the sentences where a report is missing."""

import json
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import plotly.graph_objects as go

from tests.support.run_reports import EVALUATION, write
from tests.support.search_report import REPORT, read_report
from tests.support.studies import DROPOUT, write_study
from ui.i18n import LANGUAGES, SERVER_TEXT
from ui.tabs.tuning import add_tuning_tab, lessons_in

SPANISH = SimpleNamespace(headers={"accept-language": "es"})


def tab_of(folder: Path, is_live: bool = False) -> gr.Blocks:
    with gr.Blocks() as demo:
        add_tuning_tab(demo, SimpleNamespace(folder=folder, reports_folder=folder, reports_change=is_live))
    return demo


def load(demo: gr.Blocks, request=None) -> list:
    """Fill the page as its first visitor does; returns the values by label."""
    (event,) = [function for function in demo.fns.values() if function.name == "load"]
    return list(zip(event.outputs, event.fn(request), strict=True))


def value_of(demo: gr.Blocks, elem_id: str, request=None):
    return next(value for block, value in load(demo, request) if block.elem_id == elem_id)


def events(demo: gr.Blocks, name: str) -> list:
    return [function.fn for function in demo.fns.values() if function.name == name]


def test_tab_impossible_choice_shows_message_instead_of_figure(tmp_path):
    read_report(tmp_path)
    redraw = events(tab_of(tmp_path), "redraw")[-1]
    figure, help_text = redraw(SPANISH, "blocks", "blocks")
    assert figure.layout.annotations[0].text.replace("<br>", " ") == SERVER_TEXT["es"]["same_hyperparameter"]
    assert help_text["visible"] is False
    figure, help_text = redraw(SPANISH, "blocks", "optimizer")
    assert figure.data and help_text["visible"] is True


def test_tab_empty_search_is_built(tmp_path):
    (tmp_path / "trials.json").write_text(json.dumps(REPORT | {"trials": [], "best_trial": None, "importance": None}))
    assert load(tab_of(tmp_path))


def test_tab_without_reports_shows_the_reasons(tmp_path):
    """Each panel says in the language of the request which report is missing."""
    shown = [value for block, value in load(tab_of(tmp_path), SPANISH) if not isinstance(block, gr.Markdown)]
    texts = [value.to_json() if isinstance(value, go.Figure) else str(value) for value in shown]
    names = ("trials.json", "training.json", "evaluation.json")
    reasons = {name: sum(name in text and "incluye" in text for text in texts) for name in names}
    assert reasons == {"trials.json": 13, "training.json": 1, "evaluation.json": 3}


def test_tab_with_a_study_shows_it_instead_of_findings(tmp_path):
    demo = tab_of(write_study(tmp_path, DROPOUT))
    assert "not distinguishable" in value_of(demo, "tuning-study-values")
    assert value_of(demo, "tuning-study").data and value_of(demo, "tuning-study-curves").data
    assert "tuning-findings" not in {block.elem_id for block in demo.blocks.values()}
    (tmp_path / "study.json").write_text("{}")
    assert "study.json" in value_of(tab_of(tmp_path), "tuning-study-values")


def test_tab_selected_trial_is_named_and_compared(tmp_path):
    read_report(tmp_path)
    demo = tab_of(tmp_path)
    (answer,) = events(demo, "select_point")
    line, first, second, table, curves = answer({"key": "trial:3"}, "trial:29", SPANISH)
    assert line == {"key": "trial:3", "text": "Elegido: ensayo 3 · 0,9060"}
    assert (first["value"], second["value"]) == ("trial:3", "trial:29")
    assert "ensayo 3" in table and curves.data[0].name == "ensayo 3"
    (choose,) = events(demo, "choose")
    row = SimpleNamespace(row_value=[3, "terminado", 0.906])
    assert choose("trial:29", SPANISH, row)[:1] == [line]
    (name,) = events(demo, "name")
    assert name("trial:3", SPANISH) == line


def test_tab_selected_value_of_a_study_is_compared_with_the_base(tmp_path):
    read_report(tmp_path)
    (answer,) = events(tab_of(write_study(tmp_path, DROPOUT)), "select_point")
    _, first, second, table, _ = answer({"key": "study:dropout:1"}, "trial:29", SPANISH)
    assert (first["value"], second["value"]) == ("study:dropout:1", "study:dropout:0")
    assert "Welch" in table and "dropout: 0,5" in table


def test_tab_selection_of_anything_else_changes_nothing(tmp_path):
    read_report(tmp_path)
    (answer,) = events(tab_of(tmp_path), "select_point")
    for odd in (None, {}, {"key": "trial:999"}, {"key": ["trial:3"]}, "trial:3", {"key": "__class__"}):
        assert answer(odd, "trial:29", SPANISH) == [gr.skip()] * 5
    assert answer({"key": "trial:3"}, "trial:999", SPANISH)[0]["key"] == "trial:3"


def test_tab_of_a_folder_follows_a_search_that_runs(tmp_path):
    trials = REPORT["trials"]
    read_report(tmp_path, trials=trials[:3], best_trial="02", importance=None)
    demo = tab_of(tmp_path, is_live=True)
    (event,) = [function for function in demo.fns.values() if function.name == "refresh"]
    (first,) = [function.fn for function in demo.fns.values() if function.name == "load"]
    stamp = first(SPANISH)[-1]
    chosen = [None] * (len(event.inputs) - 1)
    assert event.fn(SPANISH, stamp, *chosen) == gr.skip()
    read_report(tmp_path, trials=trials[:12], best_trial="11", importance=None)
    shown = dict(zip((block.elem_id for block in event.outputs), event.fn(SPANISH, stamp, *chosen), strict=True))
    assert len(shown["tuning-running-best"].data[0].x) == 10  # of twelve, one failed and one was interrupted
    assert next(name for _, name in shown["tuning-first"]["choices"]) == "trial:11"


def test_lessons_have_no_links_to_files_that_the_page_does_not_serve():
    for language in LANGUAGES:
        text = lessons_in(language)
        assert "](" not in text and text.count("\n## ") >= 3 and not text.startswith("#")
    assert "Normaliza" in lessons_in("es") and lessons_in("ca") == lessons_in("en")


def test_untrusted_split_name_is_escaped(folder):
    write(folder, "evaluation.json", EVALUATION | {"split": "<b>x</b> ![a](http://b)"})
    demo = tab_of(folder)
    (sentence,) = [value for _, value in load(demo) if isinstance(value, str) and value.startswith("<p>Right")]
    assert sentence.startswith("<p>Right on 99.52%") and "“&lt;b&gt;x&lt;/b&gt; ![a](http://b)”" in sentence
