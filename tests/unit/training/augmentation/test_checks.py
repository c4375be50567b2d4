"""Augmentations that would give images a wrong label are refused."""

import pytest

from model.config import DIGITS
from model.errors import TrazoError
from training.augmentation.checks import check_augmentation
from training.augmentation.config import AugmentConfig


def test_check_augmentation_cutmix_of_numbers_is_refused():
    with pytest.raises(TrazoError, match="cutmix is for classes"):
        check_augmentation(AugmentConfig(cutmix=0.5), "regression", ("age",))


def test_check_augmentation_digit_variants_of_letters_are_refused():
    with pytest.raises(TrazoError, match="redraws the digits"):
        check_augmentation(AugmentConfig(digit_variants=0.5), "multiclass", ("a", "b", "c"))


def test_check_augmentation_others_are_accepted():
    check_augmentation(AugmentConfig(mixup=0.5), "regression", ("age",))
    check_augmentation(AugmentConfig(cutmix=0.5, digit_variants=0.5), "multiclass", DIGITS)
