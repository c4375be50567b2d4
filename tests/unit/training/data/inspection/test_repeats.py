"""Equal images, found by their hashes."""

import numpy as np

from training.data.inspection.repeats import find_conflicts, find_repeats, is_among

CONTENT = np.array([5, 9, 5, 7, 9, 5, 8], np.uint64)
ALL = np.ones(7, bool)


def groups(found) -> list[list[int]]:
    return [rows.tolist() for rows in found.groups()]


def test_find_repeats_groups_rows_in_the_order_of_first_rows():
    found = find_repeats(CONTENT, ALL)
    assert groups(found) == [[0, 2, 5], [1, 4]] and found.images == 2


def test_find_repeats_rows_outside_the_mask_do_not_count():
    assert groups(find_repeats(CONTENT, np.array([1, 1, 0, 1, 0, 1, 1], bool))) == [[0, 5]]
    assert groups(find_repeats(CONTENT, np.zeros(7, bool))) == []
    assert groups(find_repeats(np.arange(5, dtype=np.uint64), np.ones(5, bool))) == []


def test_find_repeats_agrees_with_counting_on_random_rows():
    content = np.random.default_rng(0).integers(0, 300, 1000).astype(np.uint64)
    found = find_repeats(content, np.ones(1000, bool))
    expected = [np.flatnonzero(content == one).tolist() for one in dict.fromkeys(content.tolist())]
    assert groups(found) == [rows for rows in expected if len(rows) > 1]


def test_find_conflicts_keeps_images_with_different_labels():
    found = find_repeats(CONTENT, ALL)
    assert groups(find_conflicts(found, np.array([0, 1, 0, 0, 1, 2, 0]))) == [[0, 2, 5]]
    assert groups(find_conflicts(found, np.array([0.5, 1, 0.5, 0, 1.5, 0.5, 0], np.float32))) == [[1, 4]]
    assert groups(find_conflicts(found, np.zeros(7, int))) == []


def test_is_among_finds_members_in_every_chunk(monkeypatch):
    monkeypatch.setattr("training.data.inspection.repeats.CHUNK_ROWS", 2)
    assert is_among(CONTENT, np.array([5, 8], np.uint64)).tolist() == [True, False, True, False, False, True, True]
    assert not is_among(CONTENT, np.zeros(0, np.uint64)).any()
