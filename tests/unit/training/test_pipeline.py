"""From encoded batches to `tf.data`: order, resume, sizes, formats, and images that cannot be decoded."""

import io

import numpy as np
import pytest
import tensorflow as tf
from datasets import ClassLabel, Features, Image
from PIL import Image as Pillow

from model.errors import TrazoError
from model.preprocess.facts import image_facts_batch
from tests.conftest import SAMPLE
from tests.support.datasets import png, random_images, write_dataset
from training.augmentation.config import AugmentConfig
from training.data import batches
from training.data.image_shape import SAMPLED_IMAGES, sample_facts, sample_image_shape
from training.pipeline import make_eval_data, make_train_data
from training.stream import HubStream

EVERY_AUGMENTATION = AugmentConfig(
    elastic_transform=0.02,
    stroke_jitter=0.5,
    random_erasing=0.1,
    clean_fraction=0.2,
    digit_variants=0.5,
    mirror=0.5,
    color_jitter=0.5,
    random_crop=0.1,
    mixup=0.5,
    cutmix=0.5,
    coarse_scans=0.5,
)
CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


def pixels_by_row(stream: HubStream) -> dict[int, np.ndarray]:
    """Decode with Pillow, independently of the pipeline."""
    return {
        int(row): np.asarray(Pillow.open(io.BytesIO(image)), np.float32)
        for batch in stream.ordered()
        for image, row in zip(batch.images, batch.index, strict=True)
    }


def test_make_eval_data_gives_every_row_once_in_file_order():
    stream = HubStream(SAMPLE, "test", batch_size=128)
    batches = [(images.numpy(), labels.numpy()) for images, labels in make_eval_data(stream)]
    assert [len(labels) for _, labels in batches] == [128] * 7 + [104]
    images, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
    assert images.shape == (1000, 28, 28, 1) and images.dtype == np.float32
    expected = pixels_by_row(stream)
    assert all((images[row, ..., 0] == expected[row]).all() for row in range(1000))
    assert labels.tolist() == [int(label) for batch in stream.ordered() for label in batch.labels]


def test_make_train_data_follows_stream_order_and_keeps_last_batch():
    stream = HubStream(SAMPLE, batch_size=1000)
    expected = pixels_by_row(stream)
    data = list(make_train_data(stream, 1, epochs=2, augment=AugmentConfig(augment=0)))
    assert [len(labels) for _, labels in data] == [1000, 1000, 1000, 500] * 2
    order = [*stream.epoch(1), *stream.epoch(2)]
    for (images, labels), batch in zip(data, order, strict=True):
        assert labels.numpy().tolist() == batch.labels.tolist()
        assert (images.numpy()[..., 0] == np.stack([expected[row] for row in batch.index.tolist()])).all()


@pytest.mark.parametrize("augment", [AugmentConfig(), EVERY_AUGMENTATION], ids=["default", "every"])
def test_make_train_data_resumed_gives_same_augmented_images(augment):
    stream = HubStream(SAMPLE, batch_size=100)
    whole, labels = zip(*make_train_data(stream, 0, epochs=2, steps=5, augment=augment), strict=True)
    resumed, same_labels = zip(*make_train_data(stream, 1, start=2, steps=5, augment=augment), strict=True)
    assert len(whole) == 10 and len(resumed) == 3
    for a, b in zip(tf.nest.flatten((whole[7:], labels[7:])), tf.nest.flatten((resumed, same_labels)), strict=True):
        assert (a.numpy() == b.numpy()).all()
    plain = next(iter(make_train_data(stream, 0, augment=AugmentConfig(augment=0))))[0].numpy()
    assert not (whole[0].numpy() == plain).all()
    other_epoch = next(iter(make_train_data(stream, 1, augment=augment)))[0].numpy()
    assert not (whole[0].numpy() == other_epoch).all()


def test_make_eval_data_undecodable_images_are_skipped_and_reported(tmp_path):
    images = random_images(5)
    images[2] = b"not an image"
    images[3] = images[3][:40]
    folder = write_dataset(
        tmp_path, CLASSES, [{"image": [{"bytes": i, "path": None} for i in images], "label": [0] * 5}]
    )
    stream = HubStream(folder)
    ((pixels, labels),) = make_eval_data(stream)
    assert len(pixels) == len(labels) == 3
    assert sorted(stream.skipped) == [2, 3]
    assert "not an image of a known format" in stream.skipped[2]
    strict = HubStream(folder, on_error="raise")
    with pytest.raises(Exception, match="row 2 "):  # tf.data wraps the error of a generator in its own
        list(make_eval_data(strict))


def test_make_eval_data_other_sizes_and_colors_are_resized(tmp_path):
    images = [png(np.full(shape, 200, np.uint8)) for shape in [(8, 8, 3), (16, 16), (4, 8, 3)]]
    folder = write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0, 1, 0]}])
    stream = HubStream(folder)
    assert sample_image_shape(stream) == (8, 8, 1)  # the middle; stored as RGB, but gray
    ((pixels, _),) = make_eval_data(stream, image_shape=(8, 8, 3))
    assert pixels.shape == (3, 8, 8, 3)
    assert (pixels[1].numpy() == 200).all()
    letterboxed = pixels[2].numpy()
    assert (letterboxed[2:6] == 200).all() and (letterboxed[:2] == 0).all() and (letterboxed[6:] == 0).all()
    ((gray, _),) = make_eval_data(stream, image_shape=(4, 4, 1))
    assert gray.shape == (3, 4, 4, 1)


def test_make_eval_data_any_format_gives_same_pixels(tmp_path):
    """One image, stored in every way that a dataset may mix: as gray, color, palette, 16 bits, with alpha."""
    gray = np.zeros((12, 10), np.uint8)
    gray[3:9, 2:6] = 200
    plain = Pillow.fromarray(gray)
    deep = Pillow.fromarray(gray.astype(np.uint16) * 257)
    stored = [(plain.convert(mode), "PNG", {}) for mode in ("L", "RGB", "P", "LA", "RGBA")]
    stored += [(deep, "PNG", {}), (deep, "TIFF", {}), (plain.convert("RGB"), "BMP", {}), (plain, "GIF", {})]
    stored += [(plain.convert(mode), "JPEG", {"quality": 100, "subsampling": 0}) for mode in ("L", "RGB", "CMYK")]
    stored += [(plain.convert(mode), "WEBP", {"lossless": True}) for mode in ("RGB", "RGBA")]
    images = []
    for image, kind, options in stored:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        images.append({"bytes": buffer.getvalue(), "path": None})
    folder = write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0] * len(images)}])
    for shape in ((12, 10, 1), (12, 10, 3)):
        stream = HubStream(folder, on_error="raise")
        ((pixels, _),) = make_eval_data(stream, image_shape=shape)
        assert len(pixels) == len(images)
        np.testing.assert_allclose(pixels, np.broadcast_to(gray[..., None], (len(images), *shape)), atol=2)


@pytest.mark.parametrize("batch_size", [50, 300])
def test_sample_facts_are_of_the_first_rows_of_a_shuffled_epoch(batch_size, monkeypatch):
    """Also where a batch comes in parts, and the last row of the sample is in the middle of it."""
    monkeypatch.setattr(batches, "MIN_PART_BYTES", 1)
    stream = HubStream(SAMPLE, batch_size=batch_size, window_rows=100)
    images = [image for batch in stream.epoch(0) for image in batch.images]
    facts = sample_facts(stream)
    assert len(facts) == SAMPLED_IMAGES < len(images)
    assert (facts == image_facts_batch(images[:SAMPLED_IMAGES])[0]).all()


def test_sample_image_shape_split_without_images_is_refused(tmp_path):
    images = [{"bytes": b"nothing", "path": None}] * 3
    folder = write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0, 1, 0]}])
    with pytest.raises(TrazoError, match="no image .* can be decoded"):
        sample_image_shape(HubStream(folder))


def test_make_train_data_undecodable_images_are_mixed_into_no_other(tmp_path):
    images = random_images(5)
    images[2] = b"not an image"
    columns = {"image": [{"bytes": i, "path": None} for i in images], "label": [0, 0, 1, 0, 0]}
    stream = HubStream(write_dataset(tmp_path, CLASSES, [columns]))
    ((pixels, labels),) = make_train_data(stream, augment=AugmentConfig(augment=0, mixup=1.0))
    assert len(pixels) == 4 and not labels.second.numpy().any()
