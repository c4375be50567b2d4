"""What is fetched when a panel is first opened."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.i18n import LANGUAGES
from ui.lesson import lesson_content
from ui.server.routes import find_route
from ui.tabs.panel_scripts import PANEL_SCRIPTS, load_when_seen, panel_content, panel_routes
from ui.tabs.panels import SCRIPT_TEXTS, i18n, texts_for_script

CLIENT = TestClient(Starlette(routes=panel_routes()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PANEL_SCRIPTS)
def test_panel_route_answers_with_script_and_texts_of_the_language(name, language):
    answer = CLIENT.get(f"/panels/{name}.json", headers={"Accept-Language": language})
    assert answer.status_code == 200 and answer.headers["vary"] == "Accept-Language"
    content = answer.json()
    assert content["texts"] == panel_content(name, language)["texts"]
    assert "texts" in content["script"] and len({str(panel_content(name, one)["texts"]) for one in LANGUAGES}) > 1


@pytest.mark.parametrize("name", PANEL_SCRIPTS)
def test_panel_route_is_open(name):
    scope = {"type": "http", "path": f"/panels/{name}.json", "method": "GET", "query_string": b""}
    assert find_route(scope) is not None
    assert f'"{name}"' in load_when_seen(name)


def test_panel_route_unknown_name_is_not_found():
    assert CLIENT.get("/panels/secrets.json").status_code == 404


def test_lesson_content_has_texts_and_steps():
    assert panel_content("lesson", "es").items() >= lesson_content("es").items()


def test_texts_of_scripts_are_not_sent_to_gradios_translator():
    for texts in i18n.translations_dict.values():
        assert not [key for key in texts if key.startswith(SCRIPT_TEXTS)] and "edges_tab" in texts
    with pytest.raises(ValueError):
        texts_for_script("edges_", "en")
