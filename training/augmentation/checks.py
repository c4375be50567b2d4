"""Which augmentations suit which labels."""

from model.errors import TrazoError
from training.augmentation.config import AugmentConfig
from training.augmentation.digit_variants import check_digits


def check_augmentation(config: AugmentConfig, task: str, labels: tuple[str, ...]) -> None:
    """Refuse an augmentation that would give images a wrong label.

    Args:
        config: the augmentations.
        task: binary, multiclass or regression.
        labels: the classes, or the name of the target.

    Raises:
        TrazoError: if one does not suit the labels.
    """
    if config.digit_variants:
        check_digits(labels)
    if config.cutmix and task == "regression":
        # Mixup is defined for any target: Zhang et al. 2018.
        raise TrazoError(
            "cutmix is for classes: a number does not follow from the areas of two images; use --mixup or "
            "--random-erasing"
        )
