"""docs/your-own-dataset.md: its commands, word for word, from a folder of images to a Space on the loopback Hub."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.conftest import ROOT
from tests.support.app_server import running
from tests.support.fake_hub import LoopbackHub

PAGE = ROOT / "docs" / "your-own-dataset.md"
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text())


def test_page_has_same_commands_in_both_languages():
    assert blocks(PAGE) == blocks(PAGE.with_suffix(".es.md")) != []


def make_images(folder: Path) -> None:
    """Two classes that a small network can distinguish: discs and crosses, in different places and shades."""
    for label in ("disc", "cross"):
        (folder / label).mkdir(parents=True)
        for number in range(120):
            x, y, shade = number % 8, number // 8 % 8, 120 + number
            image = Image.new("RGB", (24, 24), (number, 30, 60))
            draw = ImageDraw.Draw(image)
            if label == "disc":
                draw.ellipse((x, y, x + 14, y + 14), fill=(shade, shade, 90))
            else:
                draw.line((x, y, x + 14, y + 14), fill=(shade, shade, 90), width=3)
                draw.line((x, y + 14, x + 14, y), fill=(shade, shade, 90), width=3)
            image.save(folder / label / f"{number:04}.png")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_page_commands_work(tmp_path):
    make_images(tmp_path / "images")
    bin_folder = str(Path(sys.executable).parent)
    with LoopbackHub(tmp_path / "hub") as hub:
        environment = hub.environ(tmp_path / "home", token=True) | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "0"}
        environment |= {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": ""}
        for language, block in blocks(PAGE):
            if "app.py" in block:
                model = block.split("MODEL_ID=")[1].split()[0]
                with running(tmp_path / "log.txt", MODEL_ID=str(tmp_path / model)) as app:
                    assert app.client().predict(api_name="/trials")["data"]
                continue
            command = [sys.executable, "-c", block] if language == "python" else ["bash", "-ec", block]
            answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
            assert answer.returncode == 0, f"{block}\n{answer.stdout}\n{answer.stderr}"
        assert set(hub.repos) == {
            ("dataset", "you/images"),
            ("model", "you/images-cnn"),
            ("space", "you/images-demo"),
        }
        card = hub.files("you/images-cnn", "model")["README.md"].decode()
        accuracy = float(re.search(r"\| accuracy \| ([\d.]+) %", card).group(1))
        assert accuracy > 90 and "license: apache-2.0" in card
        assert hub.repos["space", "you/images-demo"].variables == {"MODEL_ID": "you/images-cnn"}
