"""The card's link to a Space is found again, and replaced."""

import pytest

from model.card.card import render_card
from model.card.demo import demo_line, find_demo, with_demo
from model.config import CnnConfig


def test_with_demo_adds_the_line_where_a_new_card_has_it():
    without, written = (str(render_card(CnnConfig(), space=space)) for space in (None, "me/digits"))
    assert find_demo(without) is None and find_demo(written) == "me/digits"
    assert with_demo(without, "me/digits") == written


def test_with_demo_replaces_the_line_of_another_space():
    card = with_demo(str(render_card(CnnConfig(), space="me/old")), "me/new")
    assert card == str(render_card(CnnConfig(), space="me/new"))


@pytest.mark.parametrize("card", ["", "# Somebody's card\n", f"text {demo_line('a/b')}\n"])
def test_with_demo_leaves_a_card_of_others_alone(card):
    assert with_demo(card, "me/digits") is None and find_demo(card) is None
