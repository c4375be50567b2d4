"""The teacher's pages say what the lesson does: its steps, answers and links."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.conftest import ROOT
from ui.i18n import LESSON_TEXT
from ui.lesson import STEPS
from ui.tabs.link import PARAMETERS, read_link

PAGES = {"es": ROOT / "docs" / "teaching.es.md", "en": ROOT / "docs" / "teaching.md"}
LINK = re.compile(r"<(http://127\.0\.0\.1:7860/\?[^>]+)>")


@pytest.mark.parametrize("language", PAGES)
def test_teaching_page_has_each_step_with_its_link_question_tasks_and_answer(language):
    parts = re.split(r"^### ", PAGES[language].read_text(encoding="utf-8").split("\n## ")[3], flags=re.MULTILINE)[1:]
    assert len(parts) == len(STEPS)
    texts = LESSON_TEXT[language]
    for number, (step, part) in enumerate(zip(STEPS, parts, strict=True), 1):
        assert part.startswith(f"{number}. {texts[f'{step.name}_title']} (")
        assert f"<http://127.0.0.1:7860/?lesson={number}&lang={language}>" in part
        tasks = [f"task_{task}" for task in range(1, len(step.tasks) + 1)]
        for key in ("question", f"option_{step.answer}", *tasks):
            assert texts[f"{step.name}_{key}"] in part


@pytest.mark.parametrize("language", PAGES)
def test_teaching_page_links_open_states_that_the_page_knows(language):
    links = LINK.findall(PAGES[language].read_text(encoding="utf-8"))
    assert len(links) > len(STEPS)
    for link in links:
        query = dict(parse_qsl(urlsplit(link).query, strict_parsing=True))
        assert query.pop("lang") == language
        assert query.keys() <= PARAMETERS.keys() and read_link(query)[1] == [], link


@pytest.mark.parametrize("language", PAGES)
def test_teaching_page_times_add_up(language):
    text = PAGES[language].read_text(encoding="utf-8")
    minutes = [int(number) for number in re.findall(r"^### .* \((\d+) min\)$", text, re.MULTILINE)]
    classes = [int(number) for number in re.findall(r"^\| \d \| [^|]+ \| (\d+) \|", text, re.MULTILINE)]
    assert sum(minutes) == sum(classes) and f" {sum(minutes)} " in text
