"""The header for microcontrollers, compiled by a C compiler."""

import subprocess
from shutil import which

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from training.release.c_header import c_string, load_header, read_array, write_header

HOSTILE = ('"; int x; //', "back\\slash", "what??/", "ñandú", "%s", "日本", "*/", "a\tb".replace("\t", " "))
PROGRAM = """
#include <stdio.h>
#include "model.h"
int main(void) {
  for (int i = 0; i < TRAZO_LABELS; i++) puts(trazo_labels[i]);
  printf("%d %d %d %d ", TRAZO_HEIGHT, TRAZO_WIDTH, TRAZO_CHANNELS, TRAZO_OUTPUTS);
  printf("%d ", (int)((uintptr_t)trazo_model % 16));
  printf("%d %d %g\\n", trazo_quantize(0), trazo_quantize(255), trazo_dequantize(127));
  fwrite(trazo_model, 1, sizeof trazo_model, stdout);
}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The header of a network like that of the preset `small`; the rows it was calibrated on; the model."""
    cnn = CnnModel(CnnConfig(filters=(8, 12, 15), convolutions=2, dense_units=(), labels=(*HOSTILE, "y", "z")))
    rows = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
    path = tmp_path_factory.mktemp("c") / "model.h"
    write_header(cnn, path, rows)
    return path, rows, cnn


def test_header_of_small_has_weights_of_less_than_16_kb(small):
    path, *_ = small
    size = int(path.read_text().split("// Weights: ")[1].split(" bytes")[0])
    assert 6_603 <= size <= 16_000 and len(read_array(path.read_text())) > size


def test_header_array_predicts_nearly_as_keras(small):
    path, rows, cnn = small
    pixels = rows.astype(np.float32)
    found = load_header(path)(pixels)
    assert np.abs(found - cnn.network(pixels, training=False).numpy()).max() < 0.05


@pytest.mark.parametrize(("compiler", "language"), [("gcc", "c11"), ("g++", "c++11")])
def test_header_compiles_and_holds_labels_shapes_and_array(small, tmp_path, compiler, language):
    path, *_ = small
    if not which(compiler):
        pytest.skip(f"no {compiler}")
    (tmp_path / "main.c").write_text(PROGRAM)
    kind = "c++" if compiler == "g++" else "c"
    flags = ["-x", kind, f"-std={language}", "-Wall", "-Wextra", "-Werror", "-I", str(path.parent)]
    subprocess.run([compiler, *flags, str(tmp_path / "main.c"), "-o", str(tmp_path / "main")], check=True, timeout=100)
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, check=True, timeout=10)
    *labels, facts, array = done.stdout.split(b"\n", 11)
    assert tuple(label.decode() for label in labels) == (*HOSTILE, "y", "z")
    assert facts.split() == b"28 28 1 10 0 -128 127 0.996094".split()
    assert array == read_array(path.read_text())


def test_c_string_is_plain_ascii_without_what_ends_a_string():
    assert c_string('a"\\?ñ') == r"a\042\134\077\303\261"
