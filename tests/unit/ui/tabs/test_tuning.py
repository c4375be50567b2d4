"""The tuning tab: what it shows, and the sentences where a report is missing."""

import json
from types import SimpleNamespace

import gradio as gr

from tests.support.run_reports import EVALUATION, write
from tests.support.search_report import REPORT, read_report
from ui.i18n import SERVER_TEXT
from ui.tabs.tuning import add_tuning_tab


def test_tab_impossible_choice_shows_message_instead_of_figure(tmp_path):
    read_report(tmp_path)
    with gr.Blocks() as demo:
        add_tuning_tab(demo, SimpleNamespace(folder=tmp_path))
    redraws = [function.fn for function in demo.fns.values() if function.name == "redraw"]
    spanish = SimpleNamespace(headers={"accept-language": "es"})
    shown = redraws[-1](spanish, "blocks", "blocks").layout.annotations[0].text.replace("<br>", " ")
    assert shown == SERVER_TEXT["es"]["same_hyperparameter"]
    assert redraws[-1](spanish, "blocks", "optimizer").data


def test_tab_empty_search_is_built(tmp_path):
    (tmp_path / "trials.json").write_text(json.dumps(REPORT | {"trials": [], "best_trial": None, "importance": None}))
    with gr.Blocks() as demo:
        add_tuning_tab(demo, SimpleNamespace(folder=tmp_path))
    assert any(function.name == "load" for function in demo.fns.values())


def test_tab_without_reports_shows_the_reasons(tmp_path):
    """Each panel is replaced by a sentence in the language of the request."""
    with gr.Blocks() as demo:
        add_tuning_tab(demo, SimpleNamespace(folder=tmp_path))
    load = next(function.fn for function in demo.fns.values() if function.name == "load")
    spanish = load(SimpleNamespace(headers={"accept-language": "es"}))
    texts = [text for text in spanish if isinstance(text, str) and text]
    names = ("trials.json", "training.json", "evaluation.json")
    missing = [next(name for name in names if name in text) for text in texts]
    assert missing == ["trials.json"] * 10 + ["training.json"] + ["evaluation.json"] * 3
    assert texts[10].startswith("**Curva de aprendizaje") and spanish.count("") == 2


def test_tab_with_a_study_shows_it_instead_of_findings(tmp_path):
    (tmp_path / "study.json").write_text("{}")  # damaged, which its panels say
    with gr.Blocks() as demo:
        add_tuning_tab(demo, SimpleNamespace(folder=tmp_path))
    load = next(function.fn for function in demo.fns.values() if function.name == "load")
    texts = [text for text in load(None) if isinstance(text, str)]
    assert sum("study.json" in text for text in texts) == 3


def test_untrusted_split_name_is_escaped(folder):
    write(folder, "evaluation.json", EVALUATION | {"split": "<b>x</b> ![a](http://b)"})
    with gr.Blocks() as demo:
        add_tuning_tab(demo, SimpleNamespace(folder=folder))
    load = next(function.fn for function in demo.fns.values() if function.name == "load")
    (sentence,) = [value for value in load(None) if isinstance(value, str) and value.startswith("<p>Right")]
    assert sentence.startswith("<p>Right on 99.52%") and "“&lt;b&gt;x&lt;/b&gt; ![a](http://b)”" in sentence
    captions = [block for block in demo.blocks.values() if "caption" in (block.elem_classes or [])]
    assert sum(isinstance(block, gr.HTML) for block in captions) == 2  # Markdown would turn it into links and images
