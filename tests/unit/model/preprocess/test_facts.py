"""What a scan records of image files, and the pixel format that is chosen from it."""

import numpy as np
import pytest
from PIL import Image

from model.pixel_format import PixelFormat
from model.preprocess.decode import decode
from model.preprocess.facts import choose_pixel_format, image_facts, image_facts_batch, is_near_constant
from tests.support.images import drawing, encode_16_bits, encode_image, photograph

PHOTO = photograph(30, 40)
GRAY = PHOTO[..., 0]
LOSSLESS = ["PNG", "BMP", "TIFF", "WEBP", "PPM"]


def lossless(image: Image.Image | np.ndarray, kind: str) -> bytes:
    return encode_image(image, kind, **({"lossless": True} if kind == "WEBP" else {}))


def facts_of(*images: Image.Image) -> np.ndarray:
    return image_facts_batch([encode_image(image) for image in images])[0]


@pytest.mark.parametrize("image", [PHOTO, GRAY], ids=["color", "gray"])
def test_image_facts_same_picture_in_lossless_formats_has_same_content(image):
    found = [image_facts(lossless(image, kind)) for kind in LOSSLESS]
    assert [one.format for one in found] == LOSSLESS
    assert len({one.content for one in found}) == 1 and found[0].content
    assert {(one.width, one.height, one.channels, one.bits, one.alpha) for one in found} == {
        (40, 30, 1 if image.ndim == 2 else 3, 8, False)
    }
    changed = image.copy()
    changed[5, 5] ^= 1
    assert image_facts(lossless(changed, "PNG")).content != found[0].content


def test_image_facts_same_picture_with_transparency_has_same_content():
    pixels = np.asarray(drawing(200, alpha=128)).copy()
    hidden = pixels.copy()
    hidden[pixels[..., 3] == 0, :3] = 77  # invisible
    files = [lossless(Image.fromarray(one), kind) for one in (pixels, hidden) for kind in ("PNG", "TIFF")]
    files += [encode_image(Image.fromarray(pixels), "WEBP", lossless=True), encode_image(drawing(200).convert("LA"))]
    *same, opaque = [image_facts(one) for one in files]
    assert len({one.content for one in same}) == 1 and opaque.content not in {one.content for one in same}
    assert all(one.alpha and one.channels == 1 for one in [*same, opaque])


def test_image_facts_jpeg_with_other_metadata_has_same_content():
    def encoded(orientation=None, **options):
        exif = Image.Exif()
        exif[0x010F] = str(options)
        if orientation:
            exif[0x0112] = orientation
        return encode_image(PHOTO, "JPEG", exif=exif.tobytes(), **options)

    plain = image_facts(encode_image(PHOTO, "JPEG")).content
    for same in (
        encoded(),
        encoded(1),
        encoded(comment=b"x" * 99),
        encoded(icc_profile=b"p" * 99, dpi=(3, 3), xmp=b"<x/>"),
    ):
        assert image_facts(same).content == plain
    for other in (encoded(6), encoded(quality=30), encode_image(PHOTO[:, ::-1], "JPEG"), encoded()[:-40]):
        assert image_facts(other).content != plain
    assert image_facts(encoded(6)).content == image_facts(encoded(6, comment=b"x")).content


def test_image_facts_stored_larger_than_needed_has_same_content():
    plain = image_facts(encode_image(GRAY))
    rgba = np.dstack([GRAY, GRAY, GRAY, np.full_like(GRAY, 255)])
    palette = Image.fromarray(GRAY).quantize(256, dither=Image.Dither.NONE)
    few = Image.fromarray(GRAY // 64 * 64)
    assert image_facts(encode_image(np.dstack([GRAY] * 3))).content == plain.content
    assert image_facts(encode_image(rgba)).content == plain.content and not image_facts(encode_image(rgba)).alpha
    assert palette.mode == "P"
    few_colors = few.convert("RGB").quantize(8, dither=Image.Dither.NONE)
    for kind in ("PNG", "GIF", "BMP"):
        assert image_facts(encode_image(few_colors, kind)).content == image_facts(encode_image(few)).content, kind


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_image_facts_lossy_content_is_of_the_bytes(kind):
    one, other = encode_image(PHOTO, kind, quality=80), encode_image(PHOTO, kind, quality=50)
    assert image_facts(one).content == image_facts(bytearray(one)).content != image_facts(other).content
    assert (image_facts(one).channels, image_facts(one).format) == (3, kind)
    assert image_facts(encode_image(np.dstack([GRAY] * 3), kind)).channels == 1


@pytest.mark.parametrize("size", [(40, 30), (1200, 900), (1208, 1200)], ids=["small", "reduced", "reduced to a square"])
def test_image_facts_turned_jpeg_is_measured_upright(size):
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = image_facts(encode_image(photograph(*size[::-1]), "JPEG", exif=exif))
    assert (facts.width, facts.height) == size[::-1]
    facts = image_facts(encode_image(photograph(*size[::-1]), "JPEG"))
    assert (facts.width, facts.height) == size


def test_image_facts_undecodable_file_has_the_reason_of_decode():
    broken = [b"", b"hello", encode_image(PHOTO)[:300], encode_image(PHOTO, "JPEG")[:500]]
    facts, reasons = image_facts_batch([encode_image(PHOTO), *broken])
    assert sorted(reasons) == [1, 2, 3, 4] and facts["width"].tolist() == [40, 0, 0, 0, 0]
    for position, content in enumerate(broken, 1):
        with pytest.raises(ValueError) as refused:
            decode(content, (8, 8, 1))
        assert str(refused.value) == reasons[position]
    assert image_facts(broken[2]).format == "PNG" and image_facts(b"").reason == reasons[1]


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (8, 8, 4)], ids=["gray", "RGB", "RGBA"])
def test_choose_pixel_format_covers_the_brightest_value(bits, shape):
    pixels = np.random.default_rng(bits).integers(0, (1 << bits) * 6 // 10, shape).astype(np.uint16)
    pixels[0, 0] = (1 << bits) * 6 // 10
    if shape[-1] == 4:
        pixels[..., 3] = 65535
        pixels[:2, :2, 3] = 40_000
    facts, reasons = image_facts_batch([encode_16_bits(pixels), encode_16_bits(pixels // 9), encode_image(PHOTO)])
    assert not reasons and facts["bits"].tolist() == [16, 16, 8]
    chosen = choose_pixel_format(facts)
    assert chosen.white_level == (1 << bits) - 1
    found = decode(encode_16_bits(pixels), (8, 8, 1), chosen)
    assert found.max() > 130 and found.std() > 20


def test_choose_pixel_format_8_bits_keep_the_defaults():
    assert choose_pixel_format(facts_of(Image.fromarray(PHOTO), Image.fromarray(GRAY))) == PixelFormat()
    assert choose_pixel_format(image_facts_batch([])[0]) == PixelFormat()
    dark = image_facts_batch([encode_16_bits(np.full((4, 4), 200, np.uint16))])[0]
    assert choose_pixel_format(dark).white_level == 255


@pytest.mark.parametrize(
    ("grays", "background"),
    [
        ([0, 0], 255),
        ([255, 255], 0),
        ([250, 252], 0),  # hardly visible on white
        ([128, 128], 255),
        ([0, 255], 128),
        ([255] * 3 + [0], 128),
        ([0] * 199 + [255], 255),  # one of many does not decide
    ],
)
@pytest.mark.parametrize("alpha", [255, 130])
def test_choose_pixel_format_background_keeps_drawings_visible(grays, background, alpha):
    icons = {gray: encode_image(drawing(gray, alpha=alpha)) for gray in set(grays)}
    facts = image_facts_batch([icons[gray] for gray in grays])[0]
    chosen = choose_pixel_format(facts)
    assert chosen.background == background
    hidden = [int(np.ptp(decode(icons[gray], (32, 32, 1), chosen))) <= 2 for gray in grays]
    assert is_near_constant(facts, chosen).tolist() == hidden
    assert sum(hidden) <= 1


def test_is_near_constant_sees_what_the_network_sees():
    flat = np.full((8, 8), 90, np.uint8)
    noisy = flat.copy()
    noisy[0, 0] = 92
    varied = flat.copy()
    varied[0, 0] = 93
    colored = np.dstack([flat, flat + 20, flat + 100])
    same_gray = np.zeros((8, 8, 3), np.uint8)
    same_gray[:4], same_gray[4:] = (130, 0, 0), (0, 66, 0)  # two colors of one gray
    images = [encode_image(one) for one in (flat, noisy, varied, colored, same_gray)]
    images += [encode_16_bits(np.uint16([[1000, 1000 + by]])) for by in (20, 60)]  # of 4095: one level, and four
    facts = image_facts_batch([*images, b"broken"])[0]
    found = is_near_constant(facts, PixelFormat(white_level=4095))
    assert found.tolist() == [True, True, False, True, False, True, False, False]
