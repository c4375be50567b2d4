"""Classes of two datasets are matched by their names."""

import unicodedata

import pytest
from datasets import ClassLabel, Features, Image, Value

from tests.support.datasets import random_images, write_dataset
from training.data.class_names import match_names
from training.stream import HubStream

TREE = "árbol"


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_match_names_accents_in_another_unicode_form_are_equal(forms):
    there, here = (unicodedata.normalize(form, TREE) for form in forms)
    assert match_names(["dog", here, "zebra"], ["cat", "dog", there]) == [1, 2, None]


def test_match_names_both_forms_among_the_labels_are_told_apart():
    labels = [unicodedata.normalize(form, TREE) for form in ("NFC", "NFD")]
    assert match_names(labels, labels) == [0, 1]


@pytest.mark.parametrize("kind", ["names", "texts"])
def test_stream_labels_of_a_model_give_its_ids(tmp_path, kind):
    names = ["zebra", "dog", "cat"]
    values = [0, 1, 2, 1, 0] if kind == "names" else [names[n] for n in (0, 1, 2, 1, 0)]
    feature = ClassLabel(names=names) if kind == "names" else Value("string")
    columns = {"image": random_images(5), "label": values}
    folder = write_dataset(tmp_path, Features({"image": Image(), "label": feature}), [columns])
    stream = HubStream(folder, labels=("cat", "dog", "owl"), task="multiclass")
    assert [label for batch in stream.ordered() for label in batch.labels] == [1, 0, 1]
    unknown, counts = stream.sources[0].unknown_classes()
    assert unknown.tolist() == [True, False, False, False, True] and counts == {"zebra": 2}
