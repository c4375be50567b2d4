"""docs/cli.md and the constants of the options, compared with what they are derived from."""

import model.config
from model.artifacts import EXPORT_FORMATS
from scripts.make_cli_docs import PAGE, make_page
from training.config import MAX_SIDE_PX


def test_cli_page_is_what_its_generator_writes():
    assert PAGE.read_text() == make_page(), "run `python -m scripts.make_cli_docs`"


def test_constants_without_imports_equal_their_originals():
    from training.release.export import FORMATS

    assert model.config.MAX_SIDE_PX == MAX_SIDE_PX and tuple(FORMATS) == tuple(EXPORT_FORMATS)
