"""Hold-outs by content: stable, stratified, equal images on one side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import TrazoError
from training.data.scan.hold_out import places_of, stratify
from training.data.subset import PLACES

CUTS = (0.1, 0.19)  # test, validation; the rest is trained on


def sides(keys: np.ndarray, labels: np.ndarray, cuts: tuple[float, ...] = CUTS) -> np.ndarray:
    """Return 0 (test), 1 (validation) or 2 (training) for each row."""
    names = [f"class {number}" for number in range(labels.max() + 1)]
    places = stratify(places_of(keys), labels, cuts, names)
    return np.searchsorted(np.array(cuts) * PLACES, places, side="right")


def random_keys(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 63, rows).astype(np.uint64)


def test_stratify_small_classes_are_on_every_side():
    labels = np.repeat([0, 1, 2], [2000, 3, 30])
    found = sides(random_keys(2033), labels)
    for number in range(3):
        assert set(found[labels == number]) == {0, 1, 2}
    assert (found == 0).mean() == pytest.approx(0.1, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(3, 80), min_size=2, max_size=6), st.integers(0, 1000))
def test_stratify_any_class_sizes_share_is_near_the_fraction(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    found = sides(random_keys(len(labels), seed), labels)
    for number, size in enumerate(sizes):
        counts = np.bincount(found[labels == number], minlength=3)
        assert counts.min() >= 1
        for count, fraction in zip(counts, (0.1, 0.09), strict=False):
            assert int(0.7 * fraction * size) <= count <= np.ceil(1.3 * fraction * size)


def test_stratify_equal_images_are_on_one_side():
    keys = np.repeat(random_keys(60), 3)
    labels = np.repeat(np.arange(6), 30)
    found = sides(keys, labels).reshape(60, 3)
    assert (found == found[:, :1]).all()


def test_stratify_order_of_rows_changes_nothing():
    keys, labels = random_keys(300), np.arange(300) % 5
    order = np.random.default_rng(1).permutation(300)
    assert (sides(keys, labels)[order] == sides(keys[order], labels[order])).all()


def test_stratify_more_rows_keep_the_others_on_their_side():
    keys, labels = random_keys(4000), np.arange(4000) % 5
    before, after = sides(keys[:3000], labels[:3000]), sides(keys, labels)[:3000]
    assert (before == after).all()


def test_stratify_class_with_too_few_images_is_an_error_with_the_number():
    labels = np.array([0] * 50 + [1, 1])
    with pytest.raises(TrazoError, match=r"'class 1' has 2 different images .* 3 are needed"):
        sides(random_keys(52), labels)


def test_stratify_every_class_with_too_few_images_is_named():
    labels = np.concatenate([np.zeros(50, int), np.repeat(np.arange(1, 14), 2), [14]])
    with pytest.raises(TrazoError) as caught:
        sides(random_keys(len(labels)), labels)
    text = str(caught.value)
    assert "'class 1' has 2 different images" in text and "'class 2' has 2" in text and "'class 11' has 2" in text
    assert "and 3 more classes have too few; 3 are needed" in text and "leave the classes out" in text


def test_stratify_copies_of_one_image_are_one_image():
    keys = random_keys(52)
    keys[50:] = keys[50]
    with pytest.raises(TrazoError, match="'class 1' has 1 different image "):
        sides(keys, np.array([0] * 50 + [1, 1]))


def test_stratify_rows_without_label_do_not_count():
    labels = np.array([0] * 50 + [1] * 50 + [-1] * 20)
    assert len(sides(random_keys(120), labels)) == 120


def test_stratify_class_without_a_row_changes_nothing():
    places = places_of(np.arange(100, dtype=np.uint64))
    labels = np.repeat([0, 2], 50)
    assert (
        stratify(places, labels, (0.1,), ("a", "b", "c")) == stratify(places, labels // 2, (0.1,), ("a", "c"))
    ).all()
