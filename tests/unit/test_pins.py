"""Libraries whose private names are used have an exact version, and that is the one which is tested."""

from importlib.metadata import version

import pytest

from tests.conftest import ROOT

PINNED = {
    "ui/requirements.txt": ("gradio", "gradio_client", "safehttpx", "uvicorn"),
    "training/requirements.txt": ("huggingface-hub", "datasets", "keras-tuner"),
    "training/release/requirements.txt": ("tf2onnx",),
}


@pytest.mark.parametrize(("file", "package"), [(file, one) for file, packages in PINNED.items() for one in packages])
def test_pin_is_exact_and_the_installed_version(file, package):
    assert f"{package}=={version(package)}" in (ROOT / file).read_text().splitlines()


def test_tensorflow_is_pinned_to_the_minor_version_that_is_tested():
    major, minor, _ = version("tensorflow").split(".")
    lines = (ROOT / "ui/requirements.txt").read_text().splitlines()
    assert f"tensorflow>={major}.{minor},<{major}.{int(minor) + 1}" in lines


def test_pins_are_those_of_the_compat_modules():
    modules = [path for folder in ("model", "training", "ui") for path in (ROOT / folder).rglob("*_compat.py")]
    assert {path.stem.removesuffix("_compat") for path in modules} == {
        "gradio",  # with gradio_client and safehttpx
        "hf",
        "datasets",
        "kerastuner",
        "tensorflow",  # pinned to its minor version, whose patches keep such names
        "tf2onnx",
        "uvicorn",
    }
