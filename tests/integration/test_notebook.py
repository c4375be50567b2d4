"""The chapter's notebooks: the same code in both languages, and it runs."""

import json

import pytest

from tests.conftest import ROOT

NOTEBOOKS = [ROOT / "docs" / f"chapter.{language}.ipynb" for language in ("es", "en")]


def code(path) -> list[str]:
    cells = json.loads(path.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_both_languages_run_the_same_code():
    spanish, english = map(code, NOTEBOOKS)
    assert spanish == english != []


def test_no_path_of_a_machine_and_no_error_is_kept_in_them():
    for path in NOTEBOOKS:
        text = path.read_text()
        assert str(ROOT) not in text and "/tmp/" not in text and '"output_type": "error"' not in text


@pytest.mark.slow
def test_the_notebook_runs():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOKS[0], 4)
    folder = {"metadata": {"path": str(NOTEBOOKS[0].parent)}}
    nbclient.NotebookClient(notebook, timeout=280, kernel_name="python3", resources=folder).execute()
    printed = "".join(
        out.text for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "stream"
    )
    assert "a digit? True | noise? False" in printed
