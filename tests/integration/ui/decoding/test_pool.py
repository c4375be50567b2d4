"""Images that are decoded in separate processes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.support import decoder_tasks
from tests.support.hostile_images import BOMBS, png_of_size
from tests.support.images import encode_image, photograph
from ui.decoding.pauses import PAUSE_S, Pauses
from ui.decoding.pool import LARGE_NICENESS, Decoders
from ui.i18n import UserError

SMALL, LARGE = encode_image(photograph(40, 60)), encode_image(np.zeros((1500, 1500), np.uint8))


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    decoders = Decoders()
    decoders.start()
    yield decoders
    decoders.close()


@pytest.fixture(autouse=True)
def _page_does_not_decode(monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded in the page's process"))
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened in the page's process"))


def describe(decoders: Decoders, source: str | bytes) -> dict:
    return decoders.apply(decoder_tasks.describe, source)


def test_decoders_small_and_large_images_have_their_own_processes(decoders, tmp_path):
    (tmp_path / "image.png").write_bytes(SMALL)
    small, large = describe(decoders, str(tmp_path / "image.png")), describe(decoders, LARGE)
    assert small == describe(decoders, SMALL) and small["pid"] != large["pid"]
    assert small["shape"] == (40, 60, 3) and large["shape"] == (1500, 1500)
    assert large["nice"] == min(19, small["nice"] + LARGE_NICENESS)
    huge = describe(decoders, png_of_size(5_000, 4_000, color=0))
    assert huge["shape"][0] / huge["shape"][1] == pytest.approx(4_000 / 5_000, abs=1e-3)
    assert np.prod(huge["shape"]) <= 12_000_000
    assert decoders.megapixels(SMALL) == 0.0024 and decoders.megapixels(LARGE) == 2.25


def test_visitor_whose_image_is_refused_waits_before_the_next_one():
    slept: list[float] = []
    decoders = Decoders(pauses=Pauses(slept.append))
    try:
        with pytest.raises(UserError, match="No stroke"):  # says nothing about the image
            decoders.apply(decoder_tasks.refuse, SMALL, visitor="one")
        decoders.apply(decoder_tasks.describe, SMALL, visitor="one")
        assert slept == []
        with pytest.raises(UserError, match="cannot be read as an image"):
            decoders.apply(decoder_tasks.describe, b"no image", visitor="one")
        decoders.apply(decoder_tasks.describe, SMALL, visitor="other")
        assert slept == []
        decoders.apply(decoder_tasks.describe, SMALL, visitor="one")
        assert len(slept) == 1 and 0 < slept[0] <= PAUSE_S
    finally:
        decoders.close()


def test_decoders_are_forked_from_a_process_that_has_imported_everything(tmp_path):
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.integration.ui.decoding.test_pool import SMALL, Decoders, decoder_tasks
decoders = Decoders()
print(decoders.apply(decoder_tasks.has_parent_with_opencv, SMALL))
decoders.close()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(
    ("source", "key"),
    [(None, "image_missing"), (b"not an image", "image_unreadable"), ("no/such/file", "image_unreadable")],
)
def test_decoders_image_that_cannot_be_read_is_refused(decoders, source, key):
    with pytest.raises(UserError) as refused:
        describe(decoders, source)
    assert refused.value.key == key
    with pytest.raises(UserError, match="No drawing"):
        decoders.apply(decoder_tasks.fail, None, missing_key="drawing_missing")


def test_decoders_errors_of_the_function_are_raised(decoders):
    for function, key in (
        (decoder_tasks.refuse, "drawing_blank"),
        (decoder_tasks.fail, "failed"),
        (decoder_tasks.fill_memory, "image_too_costly"),
    ):
        with pytest.raises(UserError) as raised:
            decoders.apply(function, SMALL)
        assert raised.value.key == key


@pytest.mark.parametrize("name", BOMBS)
def test_decoders_hostile_files_end_no_process(decoders, name):
    before = describe(decoders, SMALL)["pid"], describe(decoders, LARGE)["pid"]
    for size in (1_000_000, 6_000_000):
        try:
            describe(decoders, BOMBS[name](size))
        except UserError as refused:
            assert refused.key in ("image_too_costly", "image_unreadable")
    assert before == (describe(decoders, SMALL)["pid"], describe(decoders, LARGE)["pid"])


def test_decoders_image_that_takes_too_long_ends_its_process_only():
    slow = encode_image(np.tile(photograph(250, 250), (20, 20, 1)))  # takes four times as long as it may
    decoders = Decoders(decoder_tasks.run_with_little_time)
    before = [describe(decoders, one)["pid"] for one in (SMALL, LARGE)]
    for _ in range(2):
        with pytest.raises(UserError, match="takes too long to decode"):
            describe(decoders, slow)
    after = [describe(decoders, one)["pid"] for one in (SMALL, LARGE)]
    assert after[0] == before[0] and after[1] != before[1]
    decoders.close()


def test_decoders_image_that_takes_too_much_memory_is_refused(decoders):
    before = describe(decoders, LARGE)["pid"]
    with pytest.raises(UserError, match="too much memory"):
        describe(decoders, encode_image(Image.new("CMYK", (6_800, 6_800)), "TIFF", compression="packbits"))
    assert describe(decoders, LARGE)["pid"] == before


def test_decoders_visitor_waits_for_own_images_only(decoders, tmp_path):
    file = tmp_path / "go"
    with ThreadPoolExecutor(4) as threads:
        own = [threads.submit(decoders.apply, decoder_tasks.wait_for, SMALL, file, visitor="a") for _ in range(3)]
        while not file.with_suffix(".reached").exists():
            time.sleep(0.005)
        assert decoders.apply(decoder_tasks.describe, SMALL, visitor="b")["shape"] == (40, 60, 3)
        assert decoders.apply(decoder_tasks.describe, LARGE, visitor="b")["shape"][:2] == (1500, 1500)
        assert not any(one.done() for one in own)
        Path(file).touch()
        assert [one.result(30) for one in own] == ["done"] * 3
