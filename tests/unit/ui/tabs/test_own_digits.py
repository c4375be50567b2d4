"""What the panel for the visitor's own labels gets."""

import base64
import io

import numpy as np
from PIL import Image

from ui.inference.answers import Answer
from ui.tabs.own_digits import own_digits_value


def test_own_digits_value_has_each_sign_as_the_network_sees_it_and_the_text():
    inputs = [np.full((28, 28, 1), level, np.uint8) for level in (3, 200)]
    comma = Answer({}, None, False, mark=",")
    answers = [Answer({"1": 0.2, "7": 0.8}, None, False), comma, Answer({"1": 0.6, "7": 0.4}, None, True)]
    value = own_digits_value(inputs, answers, "en")
    first, second = value["signs"]
    assert value["text"] == "7 , ?"
    assert (first["answer"], first["confidence"], first["rejected"]) == ("7", 0.8, False)
    assert (second["answer"], second["rejected"]) == ("1", True)
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(second["image"]))))
    assert image.shape == (28, 28) and (image == 200).all()
