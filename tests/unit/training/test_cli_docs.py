"""docs/cli.md and the values of options, compared with what they are derived from."""

from model.artifacts import EXPORT_FORMATS
from scripts.make_cli_docs import PAGE, make_page


def test_cli_page_is_what_its_generator_writes():
    assert PAGE.read_text() == make_page(), "run `python -m scripts.make_cli_docs`"


def test_every_export_format_has_a_converter():
    from training.release.export import CONVERTERS

    assert tuple(CONVERTERS) == tuple(EXPORT_FORMATS)
