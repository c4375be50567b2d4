"""Where the picture of a payload is, and what is refused of it."""

import base64

import pytest
from gradio.utils import get_upload_folder

from ui.i18n import UserError
from ui.server.upload import DrawingData, drawing_source, picture_source


def test_a_data_url_is_a_picture():
    assert picture_source("data:image/png;base64," + base64.b64encode(b"any bytes").decode()) == b"any bytes"


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
def test_other_payloads_are_refused(url):
    with pytest.raises(UserError, match="cannot be read"):
        picture_source(url)


def test_only_what_was_uploaded_is_read():
    uploaded = f"{get_upload_folder()}/a/b.png"
    assert picture_source({"path": uploaded}) == uploaded and picture_source({"path": None}) is None
    assert picture_source(None) is picture_source("") is None
    for path in ("/etc/hostname", f"{get_upload_folder()}/../hostname", "app.py", f"{get_upload_folder()}s/a"):
        with pytest.raises(UserError, match="cannot be read"):
            picture_source({"path": path})


def test_a_drawing_is_found_wherever_the_payload_has_it():
    c, b, p = ({"path": f"{get_upload_folder()}/{n}", "meta": {"_type": "gradio.FileData"}} for n in "cbp")
    assert drawing_source({"background": None, "layers": [], "composite": c}) == c["path"]
    assert drawing_source({"background": b, "layers": [p], "composite": None}) == p["path"]
    assert drawing_source({"background": b, "layers": [], "composite": None}) == b["path"]
    assert drawing_source(DrawingData.model_validate(p, context={"validate_meta": True}).model_dump()) == p["path"]
    assert drawing_source({"background": None, "layers": [], "composite": None}) is None
    assert drawing_source(None) is None


def test_a_path_that_was_not_uploaded_is_refused():
    with pytest.raises(ValueError, match="meta"):
        DrawingData.model_validate({"path": "/etc/hostname"}, context={"validate_meta": True})
