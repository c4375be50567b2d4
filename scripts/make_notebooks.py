"""Write the chapter's notebooks, docs/chapter.en.ipynb and docs/chapter.es.ipynb, from docs/chapter/, and execute them.

Run it after a change in docs/chapter/: `make notebooks`, which takes some minutes per language. The sources are Python
files whose cells start with `# %%`. A text cell belongs to one language; code is shared, and holds words in both as
«English|Spanish». A test compares the notebooks with the sources.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat import v4

from model.io.atomic import atomic_write

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "docs" / "chapter"
LANGUAGES = ("en", "es")
CELL = re.compile(r"^# %%(?: \[markdown\] (\w+))?\n", re.MULTILINE)
WORDS = re.compile(r"«([^|»]*)\|([^»]*)»")
MAGIC = re.compile(r"^( *)# (?=%\w)", re.MULTILINE)  # written as a comment, so that a source is Python
CELL_TIMEOUT_S = 1200


def notebook_path(language: str) -> Path:
    """Return where the notebook of a language is kept."""
    return ROOT / "docs" / f"chapter.{language}.ipynb"


def read_cells(language: str) -> list[tuple[str, str]]:
    """Return (`markdown` or `code`, text) of each cell of a language's notebook."""
    cells = []
    for path in sorted(SOURCES.glob("*.py")):
        _, *parts = CELL.split(path.read_text(encoding="utf-8"))
        for of_language, text in zip(parts[::2], parts[1::2], strict=True):
            if not of_language:
                words = WORDS.sub(rf"\{1 + LANGUAGES.index(language)}", text.strip())
                cells.append(("code", _fill_in(MAGIC.sub(r"\1", words), language)))
            elif of_language == language:
                text = re.sub(r"^# ?", "", text.strip(), flags=re.MULTILINE)
                cells.append(("markdown", _fill_in(text, language)))
    return cells


def make_notebook(language: str) -> nbformat.NotebookNode:
    """Return the notebook of a language, formatted and not yet executed."""
    cells = []
    for number, (kind, text) in enumerate(read_cells(language)):
        make_cell = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
        cells.append(make_cell(text, id=f"cell-{number:02}"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.writes(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    # Where a line is broken depends on the length of the language's words.
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(notebook_path(language)), "-"]
    done = subprocess.run(ruff, input=notebook, text=True, capture_output=True, check=True)
    return nbformat.reads(done.stdout, as_version=4)


def execute(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run every cell in a fresh kernel that imports this clone; return the notebook, which now has outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    import nbclient

    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    client = nbclient.NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(SOURCES.parent)}},
        record_timing=False,
    )
    return client.execute(env=environment)


def repository_address() -> str:
    """Return the address of the repository on GitHub that pyproject.toml declares under `urls`; empty: none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "")


def colab_address(repository: str, language: str) -> str:
    """Return where Colab opens a language's notebook; without a repository, where Colab asks for one."""
    name = repository.removeprefix("https://github.com/").removesuffix("/")
    page = f"{name}/blob/main/docs/{notebook_path(language).name}" if name else ""
    return f"https://colab.research.google.com/github/{page}"


def _fill_in(text: str, language: str) -> str:
    repository = repository_address()
    colab = colab_address(repository, language)
    return text.replace("COLAB_ADDRESS", colab).replace("REPOSITORY_ADDRESS", repository)


if __name__ == "__main__":
    for language in sys.argv[1:] or LANGUAGES:
        atomic_write(notebook_path(language), nbformat.writes(execute(make_notebook(language))) + "\n")
