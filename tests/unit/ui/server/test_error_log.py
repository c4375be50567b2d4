"""The log's lines."""

import logging

import pytest
from pydantic import BaseModel, ValidationError

from ui.server.error_log import OneLineFormatter, log_error


def record(text: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, None) if error else None
    return logging.LogRecord("library", logging.WARNING, __file__, 1, text, args, info)


def test_library_message_with_a_visitors_line_breaks_is_one_line():
    line = OneLineFormatter().format(record("session %s", "a\nopen http://evil.example\r\x1b[31m\u202e"))
    assert line == r"session a\nopen http://evil.example\r\x1b[31m\u202e"


def test_library_exception_is_one_line_without_a_traceback():
    line = OneLineFormatter().format(record("failed", error=ValueError("a\nb" + "c" * 1000)))
    assert line.startswith(r"failed (ValueError('a\nb") and len(line) == 500


def test_error_of_the_page_is_one_line(caplog):
    try:
        raise ValueError("a\n\x1b[31mb")
    except ValueError as error:
        log_error(error)
    (logged,) = caplog.records
    assert logged.getMessage().startswith(r"ValueError('a\n\x1b[31mb') in test_error_log.py, line ")


def test_error_of_the_page_with_several_lines_is_one_line(caplog):
    class Point(BaseModel):
        row: int

    with pytest.raises(ValidationError) as found:
        Point(row="a\nb")
    log_error(found.value)
    (logged,) = caplog.records
    assert logged.getMessage().startswith(r"1 validation error for Point\nrow\n") and "\n" not in logged.getMessage()
