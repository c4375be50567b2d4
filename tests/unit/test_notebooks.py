"""The chapter's notebooks hold what their sources say, executed, in one language each."""

import ast
import io
import json
import re
import tokenize

import pytest

from scripts.make_notebooks import LANGUAGES, colab_address, make_notebook, notebook_path, repository_address
from tests.conftest import ROOT

MAX_COLUMNS = 140  # of a printed line
ENGLISH = re.compile(
    r"\b(the|of|and|with|without|is|are|from|not|this|that|which|what|more|epochs?|seeds?|loss|accuracy|weights|training"
    r"|none|worse|better|labels?|rows)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def notebook(language) -> dict:
    return json.loads(notebook_path(language).read_text(encoding="utf-8"))


def text_of(cell: dict) -> str:
    return "".join(cell["source"])


def code_of(notebook: dict) -> list[str]:
    """Return the code cells as Python: without magics."""
    cells = [text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [re.sub(r"^( *)%.*", r"\1pass", cell, flags=re.MULTILINE) for cell in cells]


def printed(notebook: dict) -> list[str]:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    texts = [output.get("text") or output.get("data", {}).get("text/html", []) for output in outputs]
    return ["".join(text) for text in texts]


def without_words(code: str) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):  # words may be at its start in one language, and nowhere in the other
            node.values = [value for value in node.values if not isinstance(value, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def comments_and_phrases(code: str) -> list[str]:
    """Return what a reader reads in code: the comments, and the strings with a blank in them."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    strings = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    phrases = [string for string in strings if isinstance(string, str) and " " in string]
    return [token.string for token in tokens if token.type == tokenize.COMMENT] + phrases


def test_notebook_holds_what_its_source_says(language, notebook):
    made = make_notebook(language)
    assert [(cell["cell_type"], text_of(cell)) for cell in notebook["cells"]] == [
        (cell["cell_type"], text_of(cell)) for cell in made["cells"]
    ]


def test_notebooks_run_the_same_code_in_both_languages():
    spanish, english = (code_of(make_notebook(language)) for language in ("es", "en"))
    assert list(map(without_words, spanish)) == list(map(without_words, english)) != []


def test_notebook_was_executed_from_top_to_bottom(notebook):
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    showing = [cell for cell in code if re.search(r"^(print|show|compare|plt\.show)\(", text_of(cell), re.MULTILINE)]
    assert [text_of(cell) for cell in showing if not cell["outputs"]] == [] != showing


def test_notebook_outputs_are_short_and_name_no_machine(notebook):
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} <= {"stdout"}
    for text in printed(notebook):
        assert str(ROOT) not in text and "/tmp/" not in text
    for output in outputs:  # HTML breaks its lines itself
        assert max(map(len, "".join(output.get("text", [])).splitlines()), default=0) <= MAX_COLUMNS


def test_spanish_notebook_reads_spanish_only():
    notebook = json.loads(notebook_path("es").read_text(encoding="utf-8"))
    found = [phrase for cell in code_of(notebook) for phrase in comments_and_phrases(cell)] + printed(notebook)
    prose = [text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    found += [re.sub(r"`[^`]*`|\]\([^)]*\)|\*\[In English", "", text) for text in prose]
    assert [text for text in found if ENGLISH.search(text)] == []


def test_notebook_answers_are_folded(notebook):
    text = "\n".join(text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    folded = re.findall(r"<details><summary>\d\. [^\n]+</summary>\n\n.+?\n\n</details>", text, re.DOTALL)
    assert len(folded) == text.count("<details>") == text.count("</details>") >= 20


def test_notebook_links_lead_somewhere(language, notebook):
    links = [link for cell in notebook["cells"] for link in re.findall(r"\]\(([^)\s]+)\)", text_of(cell))]
    assert colab_address(repository_address(), language) in links
    local = [link for link in links if not link.startswith("https://")]
    assert local and [link for link in local if not (ROOT / "docs" / link).is_file()] == []


def test_colab_address_with_and_without_a_repository():
    page = "https://colab.research.google.com/github/owner/name/blob/main/docs/chapter.es.ipynb"
    assert colab_address("https://github.com/owner/name/", "es") == page
    assert colab_address("", "es") == "https://colab.research.google.com/github/"
