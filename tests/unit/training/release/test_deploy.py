"""The folder of a Space holds the packages and nothing else that happens to lie in them or in its place."""

import pytest

from model import TrazoError
from training.release import deploy
from training.release.deploy import assemble


@pytest.fixture
def code(tmp_path, monkeypatch):
    root = tmp_path / "code"
    for name in ("model", "ui"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    (root / "app.py").touch()
    (root / "ui" / "requirements.txt").touch()
    monkeypatch.setattr(deploy, "ROOT", root)
    monkeypatch.setattr(deploy, "DEMO_REQUIREMENTS", root / "ui" / "requirements.txt")
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
