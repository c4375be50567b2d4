"""How much training images are changed at random."""

from dataclasses import dataclass, fields

from training.options import Validated, option


@dataclass(frozen=True)
class AugmentConfig(Validated):
    """The strength of every augmentation. A value of 0 switches an augmentation off."""

    # `seed_offset` is what an augmentation adds to the seed of a batch, so that switching one off does not change the
    # others. A new one takes the next number; to change a number changes the images of every epoch.
    augment: float = option(1.0, low=0, high=5, help="strength of rotation, slant, zoom and shift")
    elastic_transform: float = option(
        0.0,
        low=0,
        high=0.2,
        help="typical displacement by an elastic distortion, as a share of the side",
        extra={"seed_offset": 1},
    )
    stroke_jitter: float = option(
        0.0, low=0, high=1, help="pixels that strokes may gain or lose on either side", extra={"seed_offset": 2}
    )
    random_erasing: float = option(
        0.0, low=0, high=0.5, help="share of an image that a rectangle may cover", extra={"seed_offset": 3}
    )
    mirror: float = option(
        0.0,
        low=0,
        high=1,
        help="share of images that are mirrored, left to right; if it is not given, the preset photo decides it",
        extra={"seed_offset": 6},
    )
    color_jitter: float = option(
        0.0, low=0, high=1, help="strength of changes in brightness, contrast and saturation", extra={"seed_offset": 7}
    )
    random_crop: float = option(
        0.0,
        low=0,
        high=0.5,
        help="share of the side by which images are shifted at most, by whole pixels",
        extra={"seed_offset": 8},
    )
    mixup: float = option(
        0.0,
        low=0,
        high=1,
        help="share of images that are blended with another one, as are their labels; not those that cutmix changed",
        extra={"seed_offset": 9},
    )
    cutmix: float = option(
        0.0,
        low=0,
        high=1,
        help="share of images that get a rectangle of another one, and that share of its label",
        extra={"seed_offset": 10},
    )
    clean_fraction: float = option(
        0.0, low=0, high=1, help="share of images that stay as they are", extra={"seed_offset": 5}
    )
    digit_variants: float = option(
        0.0,
        low=0,
        high=1,
        help="share of 1s, 7s and 9s that get strokes as other countries write them",
        extra={"seed_offset": 4},
    )
    coarse_scans: float = option(
        0.0,
        low=0,
        high=1,
        help="share of light strokes on black that become scans of few pixels, half of them stretched towards a square",
        extra={"seed_offset": 11},
    )

    @property
    def is_active(self) -> bool:
        """Whether any image can change."""
        return any(getattr(self, field.name) for field in fields(AugmentConfig) if field.name != "clean_fraction")

    @property
    def mixes_images(self) -> bool:
        """Whether an image, and its label, may get a share of another one."""
        return bool(self.mixup or self.cutmix)


SEED_OFFSETS: dict[str, int] = {
    field.name: field.metadata["seed_offset"] for field in fields(AugmentConfig) if "seed_offset" in field.metadata
}
