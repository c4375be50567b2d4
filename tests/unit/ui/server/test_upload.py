"""The path or bytes of a payload's image, and payloads that are refused."""

import base64

import pytest
from gradio.utils import get_upload_folder

from ui.i18n import UserError
from ui.server.upload import DrawingData, drawing_source, image_source


def test_image_source_data_url_is_decoded():
    assert image_source("data:image/png;base64," + base64.b64encode(b"any bytes").decode()) == b"any bytes"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,@@",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png;base64," + "A" * 3_000_000,
        "file:///etc/hostname",
        [5, True],
        3,
    ],
)
def test_image_source_other_payloads_are_refused(url):
    with pytest.raises(UserError, match="cannot be read"):
        image_source(url)


def test_image_source_only_uploads_are_read():
    uploaded = f"{get_upload_folder()}/a/b.png"
    assert image_source({"path": uploaded}) == uploaded and image_source({"path": None}) is None
    assert image_source(None) is image_source("") is None
    for path in ("/etc/hostname", f"{get_upload_folder()}/../hostname", "app.py", f"{get_upload_folder()}s/a"):
        with pytest.raises(UserError, match="cannot be read"):
            image_source({"path": path})


def test_drawing_source_finds_the_drawing_in_every_field():
    c, b, p = ({"path": f"{get_upload_folder()}/{n}", "meta": {"_type": "gradio.FileData"}} for n in "cbp")
    assert drawing_source({"background": None, "layers": [], "composite": c}) == c["path"]
    assert drawing_source({"background": b, "layers": [p], "composite": None}) == p["path"]
    assert drawing_source({"background": b, "layers": [], "composite": None}) == b["path"]
    assert drawing_source(DrawingData.model_validate(p, context={"validate_meta": True}).model_dump()) == p["path"]
    assert drawing_source({"background": None, "layers": [], "composite": None}) is None
    assert drawing_source(None) is None


def test_drawing_data_path_without_meta_is_refused():
    with pytest.raises(ValueError, match="meta"):
        DrawingData.model_validate({"path": "/etc/hostname"}, context={"validate_meta": True})
