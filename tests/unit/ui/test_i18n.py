"""Texts in every language, and the language of a request."""

import json
import re
from types import SimpleNamespace

import pytest

from ui.i18n import (
    BROWSER_TEXT,
    GRADIO_TEXT,
    LANGUAGES,
    LESSON_TEXT,
    NUMBERS,
    SERVER_TEXT,
    UserError,
    display_name,
    language_of,
    load,
    number,
    percent,
    translate,
)


@pytest.mark.parametrize("section", [BROWSER_TEXT, SERVER_TEXT, LESSON_TEXT, GRADIO_TEXT, NUMBERS])
def test_texts_every_language_has_the_same_keys_and_fields(section):
    assert {"en", "es"} <= set(LANGUAGES) == section.keys()
    for language in LANGUAGES:
        assert section[language].keys() == section["en"].keys()
        for key, text in section[language].items():
            assert text.strip() or section is NUMBERS
            assert sorted(re.findall(r"{(\w*)}", text)) == sorted(re.findall(r"{(\w*)}", section["en"][key])), key


def test_load_incomplete_language_falls_back_to_english(tmp_path):
    english = {"server": {"a": "one", "b": "two"}, "numbers": {"decimal": "."}}
    (tmp_path / "en.json").write_text(json.dumps(english))
    (tmp_path / "fr.json").write_text(json.dumps({"server": {"a": "un"}}))
    assert load(tmp_path) == {
        "en": english,
        "fr": {"server": {"a": "un", "b": "two"}, "numbers": {"decimal": "."}},
    }


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("es-ES,es;q=0.9,en;q=0.8", "es"),
        ("es", "es"),
        ("ES-mx", "es"),
        ("en-US,en;q=0.9,es;q=0.8", "en"),
        ("en;q=0.3, es;q=0.7", "es"),
        ("es; q=0.9", "es"),
        ("en; q=0.3, es; q=0.7", "es"),
        ("en , es ;q=0.9", "en"),
        ("en, es", "en"),
        ("fr-FR,fr;q=0.9,es;q=0.8", "es"),
        ("ca-ES,ca;q=0.9,en;q=0.8", "es"),
        ("gl", "es"),
        ("eu-ES", "es"),
        ("pt-BR,pt;q=0.9", "es"),
        ("en-GB,ca;q=0.9", "en"),
        ("fr, de", "en"),
        ("est", "en"),
        ("", "en"),
        ("*", "en"),
        ("es;q=0", "en"),
        (";;q=x,,es;q=oops", "en"),
    ],
)
def test_language_of_header_returns_first_that_is_known_or_near(header, language):
    assert language_of(SimpleNamespace(headers={"accept-language": header})) == language


def test_language_of_without_header_is_english():
    assert language_of(SimpleNamespace(headers={})) == "en"
    assert language_of(None) == "en"


def test_display_name_known_and_unknown_names_are_readable():
    assert display_name("learning_rate", "es") == "tasa de aprendizaje"
    assert display_name("label_smoothing", "es") == "label smoothing"
    assert display_name("val_accuracy", "en") == "accuracy (validation)"
    assert display_name("learning_rate_adam", "es") == "tasa de aprendizaje (adam)"


def test_number_and_percent_follow_the_language():
    assert number(1234.5, ",.1f", "en") == "1,234.5" and number(1234.5, ",.1f", "es") == "1\u202f234,5"
    assert percent(0.5, "en") == "50.0%" and percent(0.5, "es") == "50,0\u00a0%"


def test_user_error_is_written_in_the_language_asked_for():
    error = UserError("too_much", limit=20)
    assert error.text("es") == translate("too_much", "es", limit=20) != str(error) == error.text("en")
    assert "20 MB" in str(error)
