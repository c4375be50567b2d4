"""The lesson's table: its texts, the states that it opens, the facts that it checks."""

import re

import pytest

from tests.conftest import ROOT
from ui.i18n import LANGUAGES, LESSON_TEXT
from ui.lesson import OPTIONS, STEPS, lesson_content
from ui.tabs.link import read_link
from ui.tabs.train_here import CONTROLS

STATIC = ROOT / "ui" / "static"
SCRIPTS = {"lens": "lens_facts.js", "training": "train_here.js", "digit": "own_digits.js"}
COMPARISONS = {"=", "!=", "<", ">", ">="}


def keys_of(step):
    numbered = [f"option_{n}" for n in range(1, OPTIONS + 1)] + [f"task_{n}" for n in range(1, len(step.tasks) + 1)]
    return {f"{step.name}_{key}" for key in ("title", "chapter", "question", "explain", *numbered)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_lesson_every_step_has_its_texts_and_no_text_is_left_over(language):
    texts = lesson_content(language)["texts"]
    assert texts is LESSON_TEXT[language]
    wanted = set().union(*map(keys_of, STEPS))
    assert wanted <= texts.keys()
    script = (STATIC / "lesson.js").read_text()
    own = {key for key in texts.keys() - wanted if re.search(rf'texts\.{key}\b|"{key}"', script)}
    assert texts.keys() == wanted | own


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step_opens_a_state_that_the_page_knows(step):
    found, refused = read_link(step.state)
    assert refused == [] and found.keys() == step.state.keys()
    assert 1 <= step.answer <= OPTIONS


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step_checks_facts_that_a_script_reports(step):
    for condition in [condition for task in step.tasks for condition in task]:
        (fact, field), comparison = condition[0].split("."), condition[1]
        assert comparison in COMPARISONS
        if fact == "link":
            assert read_link({field: str(condition[2])})[1] == []
            continue
        script = (STATIC / SCRIPTS[fact]).read_text()
        assert re.search(rf'report\("{fact}"', script) and re.search(rf"\b{field}\b", script), condition
        if field in CONTROLS:
            assert str(condition[2]) in CONTROLS[field]


def test_steps_have_names_of_their_words_alone():
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names) and all(re.fullmatch("[a-z]+", name) for name in names)
