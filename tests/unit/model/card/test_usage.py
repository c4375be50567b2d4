"""How to use a model, as its card says it."""

import pytest

from model.card import usage
from model.card.card import render_card
from model.card.usage import abilities_sentence, input_sentence, trazo_sentence
from model.config import CnnConfig
from model.pixel_format import PixelFormat


def test_input_sentence_says_how_unusual_files_become_pixels():
    assert input_sentence(CnnConfig()).endswith("10 probabilities, in the order of the labels.")
    unusual = input_sentence(CnnConfig(pixel_format=PixelFormat(background=0, white_level=4095)))
    assert "4095 is white: it becomes 255." in unusual and "Transparency is placed on black." in unusual


@pytest.mark.parametrize(
    ("task", "labels", "answer"),
    [("binary", ("no", "`yes`"), "the probability of `` `yes` ``."), ("regression", ("year",), "the number.")],
)
def test_input_sentence_one_unit_is_explained(task, labels, answer):
    assert input_sentence(CnnConfig(task=task, labels=labels)).endswith(answer)


def test_abilities_sentence_names_what_the_model_has():
    color = CnnConfig(image_shape=(32, 32, 3))
    assert abilities_sentence(color, draws=False) == "Trazo also resizes images as in training:"
    all_of_them = abilities_sentence(CnnConfig(ood_threshold=1.0), draws=True)
    assert all_of_them.endswith(
        "resizes images as in training, prepares free drawings and detects images unlike those of the training:"
    )


def test_trazo_sentence_has_the_address_that_the_package_declares(monkeypatch):
    class Metadata:
        @staticmethod
        def get_all(name: str) -> list[str] | None:
            return {"Project-URL": ["Issues, https://x.org/i", "Repository, https://x.org/trazo"]}.get(name)

    monkeypatch.setattr(usage, "metadata", lambda name: Metadata)
    assert '`pip install "trazo @ git+https://x.org/trazo"`' in trazo_sentence()
    monkeypatch.setattr(Metadata, "get_all", lambda name: None)
    assert "`pip install .` in a clone of its repository" in trazo_sentence()


def test_trazo_sentence_without_an_installed_package_has_no_address(monkeypatch):
    """As in a Space, which has the packages' files alone."""

    def missing(name: str) -> None:
        raise usage.PackageNotFoundError(name)

    monkeypatch.setattr(usage, "metadata", missing)
    assert "not on PyPI" in trazo_sentence()


def test_card_without_a_repo_loads_its_folder():
    assert 'keras.saving.load_model("the folder of this card")' in str(render_card(CnnConfig()))
