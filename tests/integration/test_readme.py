"""The code in the READMEs and in the pages on the API and on streaming runs as it stands there."""

import re

import numpy as np
import pytest

from model import CnnModel
from tests.conftest import ROOT, SAMPLE


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "README.es.md"])
def test_readme_quickstart_reads_a_drawn_seven(save_image, monkeypatch, capsys, page):
    monkeypatch.chdir(save_image().parent)
    (code,) = python_blocks(page)
    exec(code, {})
    assert capsys.readouterr().out == "7 [False]\n"


@pytest.mark.parametrize(
    ("page", "images", "drawings"), [("docs/api.md", "images", "drawings"), ("docs/api.es.md", "imagenes", "dibujos")]
)
def test_api_page_model_example_runs(page, images, drawings):
    code = re.sub(r'from_pretrained\(".*?"\)', "from_pretrained()", python_blocks(page)[0])
    drawing = np.full((100, 100), 255, np.uint8)
    drawing[20:80, 45:55] = 0
    exec(code, {images: [np.zeros((28, 28), np.uint8)], drawings: [drawing]})


@pytest.mark.parametrize("page", ["docs/api.md", "docs/api.es.md"])
def test_api_page_trace_example_runs(page):
    code = next(block for block in python_blocks(page) if "Explainer" in block)
    names = {"cnn": CnnModel.from_pretrained(), "pixels": np.zeros((28, 28, 1), np.uint8)}
    exec(code, names)
    assert names["evidence"].by_place(7).shape == (7, 7)


@pytest.mark.parametrize("page", ["docs/streaming.md", "docs/streaming.es.md"])
def test_streaming_page_example_runs(page):
    code = python_blocks(page)[0].replace("ylecun/mnist", SAMPLE).replace("start=117", "start=20")
    names: dict = {}
    exec(code, names)
    batch = names.get("batch") or names["lote"]
    assert len(batch.images) == len(batch.labels) == 3500 % 128
