"""The strengths of the augmentations, and what tells their seeds apart."""

from training.augmentation.config import SEED_OFFSETS


def test_seed_offsets_are_those_that_past_batches_had():
    """Another number changes the images of every epoch, so a training would no longer continue with the same bits."""
    assert SEED_OFFSETS == {
        "elastic_transform": 1,
        "stroke_jitter": 2,
        "random_erasing": 3,
        "digit_variants": 4,
        "clean_fraction": 5,
        "mirror": 6,
        "color_jitter": 7,
        "random_crop": 8,
        "mixup": 9,
        "cutmix": 10,
        "coarse_scans": 11,
    }
