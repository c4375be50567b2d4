"""The words in both languages, and which one a request gets."""

from types import SimpleNamespace

import pytest

from ui.i18n.text import BROWSER_TEXT, SERVER_TEXT, language_of, word


def test_both_languages_say_everything():
    for texts in (BROWSER_TEXT, SERVER_TEXT):
        assert texts["es"].keys() == texts["en"].keys()
        assert all(texts[language][key].strip() for language in ("es", "en") for key in texts["es"])
    for key in SERVER_TEXT["es"]:
        fields = [sorted(part.split("}")[0] for part in SERVER_TEXT[lang][key].split("{")[1:]) for lang in ("es", "en")]
        assert fields[0] == fields[1], key


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
        ("fr-FR,fr;q=0.9,es;q=0.8", "en"),
        ("est", "en"),
        ("", "en"),
        ("*", "en"),
        (";;q=x,,es;q=oops", "en"),
    ],
)
def test_the_language_is_the_browsers_first_choice(header, language):
    assert language_of(SimpleNamespace(headers={"accept-language": header})) == language


def test_without_a_header_it_is_english():
    assert language_of(SimpleNamespace(headers={})) == "en"
    assert language_of(None) == "en"


def test_unknown_words_stay_readable():
    assert word("learning_rate", "es") == "tasa de aprendizaje"
    assert word("label_smoothing", "es") == "label smoothing"
