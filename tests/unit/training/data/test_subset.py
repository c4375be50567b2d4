"""Rows are held out by their id."""

import numpy as np

from training.data.subset import ConcatSubset, Subset, spread


def test_subset_is_decided_by_row_id():
    ids = np.arange(100_000)
    rest, out = (part.mask(ids) for part in Subset().split(0.1))
    assert (out ^ rest).all()
    assert 0.097 < out.mean() < 0.103
    assert (Subset().mask(ids)).all()
    train, validation = Subset(0.1, 1.0).split(0.5)
    assert (train.mask(ids) ^ validation.mask(ids) ^ out).all() and not (train.mask(ids) & validation.mask(ids)).any()
    shuffled = np.random.default_rng(0).permutation(ids)
    assert (Subset(0.0, 0.1).mask(shuffled) == out[shuffled]).all()


def test_subset_equal_places_stay_together():
    groups = np.repeat(np.arange(200, dtype=np.uint64) * 7919, 5)
    rest, held_out = (part.mask(np.arange(1000)) for part in Subset(places=spread(groups)).split(0.3))
    assert (rest ^ held_out).all() and 0.2 < held_out.mean() < 0.4
    assert all(len(set(held_out[start : start + 5])) == 1 for start in range(0, 1000, 5))


def test_subset_rows_are_unchanged_since_release():
    """Other rows held out would break the resume of every run that was started before."""
    held_out = Subset().split(0.1)[1]
    assert np.flatnonzero(held_out.mask(np.arange(60))).tolist() == [10, 18, 21, 41, 48]


def test_concat_subset_masks_each_split_by_its_own_row_ids():
    one, other = Subset().split(0.3)
    both = ConcatSubset((one, other), (0, 40))
    expected = np.concatenate([one.mask(np.arange(40)), other.mask(np.arange(20))])
    shuffled = np.random.default_rng(0).permutation(60)
    assert (both.mask(np.arange(60)) == expected).all() and (both.mask(shuffled) == expected[shuffled]).all()
    rest, held_out = (part.mask(np.arange(60)) for part in both.split(0.5))
    assert ((rest ^ held_out) == expected).all() and not (rest & held_out).any()


def test_subset_key_differs_by_share_places_and_rows_kept():
    places, keep = np.arange(9, dtype=np.uint64), np.arange(9) > 3
    subsets = [Subset(), Subset(0.1), Subset(places=places), Subset(places=places[::-1].copy()), Subset(keep=keep)]
    keys = [subset.key for subset in subsets]
    assert all(one != other for place, one in enumerate(keys) for other in keys[:place])
    assert Subset(places=places, keep=keep).key == Subset(places=places.copy(), keep=keep.copy()).key


def test_subset_rows_not_kept_are_in_no_part():
    keep = np.arange(100) % 3 == 0
    rest, held_out = (part.mask(np.arange(100)) for part in Subset(keep=keep).split(0.4))
    assert ((rest | held_out) == keep).all() and not (rest & held_out).any()
