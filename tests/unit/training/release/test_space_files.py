"""The folder of a Space: the packages, nothing else that lies there, and versions that others find."""

import pytest

from model import TrazoError
from training.release import space_files
from training.release.space_files import assemble, pin_versions, read_datasets


@pytest.fixture
def code(tmp_path, monkeypatch):
    root = tmp_path / "code"
    for name in ("model", "ui"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    (root / "app.py").touch()
    (root / "ui" / "requirements.txt").touch()
    monkeypatch.setattr(space_files, "ROOT", root)
    monkeypatch.setattr(space_files, "DEMO_REQUIREMENTS", [root / "ui" / "requirements.txt"])
    return root


def test_assemble_copies_only_files_of_the_packages(code, tmp_path):
    (tmp_path / "secret.py").write_text("hf_secret")
    (code / "model" / "linked.py").symlink_to(tmp_path / "secret.py")
    (code / "model" / "linked").symlink_to(tmp_path)
    (code / "model" / ".env").write_text("hf_secret")
    (code / "ui" / "notes.docx").write_text("hf_secret")
    (code / "ui" / "id_rsa").write_text("hf_secret")
    assemble(tmp_path / "space", None, [])
    paths = {path.relative_to(tmp_path / "space").as_posix() for path in (tmp_path / "space").rglob("*")}
    packages = {"app.py", "model", "model/__init__.py", "ui", "ui/__init__.py", "ui/requirements.txt"}
    assert paths == packages | {"README.md", "requirements.txt"}


@pytest.mark.parametrize("name", ["app.py", "ui", "README.md"])
def test_assemble_link_in_the_folder_is_refused_and_not_followed(code, tmp_path, name):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / name).symlink_to(tmp_path / "mine")
    with pytest.raises(TrazoError, match=f"holds {name}, which does not belong to a Space"):
        assemble(tmp_path / "space", None, [])
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("line", "installed", "expected"),
    [
        ("numpy>=2", "2.4.1", "numpy==2.4.1"),
        ("gradio[mcp]==6.31.0", "6.31.0", "gradio[mcp]==6.31.0"),
        ("tensorflow>=2.21,<2.22", "2.21.0+cpu.mine", "tensorflow>=2.21,<2.22"),
        ("keras>=3.15,<4", "3.16.0.dev20260101", "keras>=3.15,<4"),
        ("keras>=3.15,<4", "3.16.0rc1", "keras>=3.15,<4"),
        ("numpy>=2", "1.26.4", "numpy>=2"),
        ("httpx", "0.28.1.post1", "httpx==0.28.1.post1"),
        ("", "1", ""),
        ("# numpy>=2", "2.4.1", "# numpy>=2"),
    ],
)
def test_pin_versions_takes_only_what_a_registry_has(monkeypatch, line, installed, expected):
    monkeypatch.setattr(space_files, "version", lambda name: installed)
    assert pin_versions(f"{line}\n") == f"{expected}\n"


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\ndatasets:\n- ylecun/mnist\n- ../secret\n- 7\n---\n", ["ylecun/mnist"]),
        ("---\ntags: [a]\n---\n", []),
        ("---\ndatasets: [\n---\n", []),
        ("---\ndatasets: 3\n---\n", []),
        ("no front matter", []),
        (None, []),
    ],
)
def test_read_datasets_of_any_card(tmp_path, card, expected):
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert read_datasets(tmp_path) == expected
