"""Paths as visitors see them."""

import json

import pytest

from ui.server.public_paths import PublicPaths, without_folders


@pytest.mark.parametrize("folder", ["/tmp/gradio", "/home/Ana María/ñ & <b>'s/gradio", "C:\\Users\\ana\\gradio"])
def test_public_paths_folder_is_hidden_however_it_is_written(folder):
    paths, separator = PublicPaths(folder), "\\" if "\\" in folder else "/"
    file = {"path": f"{folder}{separator}5f{separator}a.png"}
    html = json.dumps(file, ensure_ascii=False).replace("&", "\\u0026").replace("'", "\\u0027").replace("<", "\\u003c")
    for text in (json.dumps(file), json.dumps(file, ensure_ascii=False), html.replace(">", "\\u003e")):
        shown = json.loads(paths.hide(text.encode()))
        assert shown == {"path": f"uploads{separator}5f{separator}a.png"}
        assert json.loads(paths.reveal(json.dumps(shown).encode())) == file


def test_public_paths_other_texts_are_not_changed():
    paths = PublicPaths("/tmp/gradio")
    for text in (b'{"a": "/tmp/gradio-other/a"}', b'{"a": "uploads/b"}', b'{"path": "uploads-b/c"}', b'{"path": 1}'):
        assert paths.hide(text) == paths.reveal(text) == text


def test_public_paths_path_of_an_answer_is_the_file_itself():
    paths = PublicPaths("/tmp/gradio")
    assert paths.reveal_path("uploads/a/b.png") == "/tmp/gradio/a/b.png"
    assert [paths.reveal_path(other) for other in ("/a", "uploadsa/b", "")] == ["/a", "uploadsa/b", ""]


def test_public_paths_route_names_the_file_itself():
    paths = PublicPaths("/tmp/gradio")
    assert paths.reveal_route("/gradio_api/file=uploads/a/b.png") == "/gradio_api/file=/tmp/gradio/a/b.png"
    assert paths.reveal_route("/demo/gradio_api/file/uploads/a") == "/demo/gradio_api/file//tmp/gradio/a"
    for other in ("/uploads/a", "/gradio_api/file=/etc/passwd", "/gradio_api/file=uploadsa/b"):
        assert paths.reveal_route(other) == other


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ana/model/trazo.json has unknown keys", "trazo.json has unknown keys"),
        ("in '/srv/a b/model': no weights", "in 'model': no weights"),
        ("/srv/a b/model/trazo.json is damaged", "trazo.json is damaged"),
        ("~/m/a.json, C:\\Users\\ana\\b.json", "a.json, b.json"),
        ("see https://huggingface.co/a/b and a/b, 1/2", "see https://huggingface.co/a/b and a/b, 1/2"),
    ],
)
def test_without_folders_keeps_the_last_part(text, shown):
    assert without_folders(text, "/srv/a b/model", "") == shown
