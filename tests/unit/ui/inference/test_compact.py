"""Arrays in few bytes."""

import base64

import numpy as np

from ui.inference.compact import pack_maps, pack_numbers, short


def unpack(packed: dict) -> np.ndarray:
    """Return the values that the browser reads: (n, rows, columns)."""
    rows, columns = (-(-packed[side] // packed["step"]) for side in ("height", "width"))
    levels = np.frombuffer(base64.b64decode(packed["data"]), np.uint8).reshape(-1, rows, columns)
    low, high = (np.array(packed[end])[:, None, None] for end in ("low", "high"))
    return low + (high - low) * levels / 255


def test_pack_maps_keeps_values_to_a_level_of_their_range():
    maps = np.random.default_rng(0).normal(0, 5, (6, 9, 4)).astype(np.float32)
    maps[..., 2] = 3  # all the same
    packed = pack_maps(maps, 10_000)
    assert (packed["height"], packed["width"], packed["step"]) == (6, 9, 1)
    spread = (maps.max(axis=(0, 1)) - maps.min(axis=(0, 1))) / 255
    assert (np.abs(unpack(packed) - maps.transpose(2, 0, 1)) <= spread[:, None, None] * 0.51 + 1e-6).all()


def test_pack_maps_too_large_keeps_every_nth_true_value():
    maps = np.arange(100 * 80, dtype=np.float32).reshape(100, 80, 1)
    packed = pack_maps(maps, 1000)
    assert len(base64.b64decode(packed["data"])) <= 1000 and packed["step"] == 3
    expected = maps[:: packed["step"], :: packed["step"], 0]
    np.testing.assert_allclose(unpack(packed)[0], expected, atol=maps.max() / 255)


def test_pack_maps_numbers_that_are_not_finite_do_not_break_it():
    maps = np.array([[[np.nan], [np.inf]], [[-np.inf], [1]]], np.float32)
    packed = pack_maps(maps, 100)
    assert all(one is not None for one in packed["low"] + packed["high"])


def test_pack_numbers_are_exact():
    values = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    assert (np.frombuffer(base64.b64decode(pack_numbers(values)), "<f4") == values.ravel()).all()


def test_short_keeps_seven_digits():
    assert short(1 / 3) == 0.3333333 and short(float("nan")) is None and short(np.float32(-2.5)) == -2.5
