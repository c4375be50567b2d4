"""Which models the host allows."""

import pytest

from model.errors import TrazoError
from ui.i18n import UserError
from ui.server.allowed_models import AllowedModels


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        ("", "ana/digits", False),
        (" , ", "ana/digits", False),
        ("ana/digits", "ana/digits", True),
        ("ana/digits", "ana/letters", False),
        ("ana/digits", "ana/digits2", False),
        ("bea/a, ana/digits ,", "ana/digits", True),
        ("ana/*", "ana/letters", True),
        ("ana/*", "ana2/letters", False),
        ("*", "bea/letters", True),
    ],
)
def test_allowed_models_of_the_environment(given, name, expected):
    assert AllowedModels.from_environ({"MODELS": given}).allows(name) is expected


@pytest.mark.parametrize("given", ["digits", "/*", "a/b/c", "*/digits", "ana/d*", "a/b;c/d", "../x", "https://hub/a/b"])
def test_allowed_models_misspelled_is_an_error(given):
    with pytest.raises(TrazoError, match="write owner/name"):
        AllowedModels.from_environ({"MODELS": f"ana/digits,{given}"})


@pytest.mark.parametrize(("given", "key"), [("", "model_closed"), ("bea/*", "model_not_allowed")])
def test_check_says_what_the_host_can_do(given, key):
    with pytest.raises(UserError) as refused:
        AllowedModels.from_environ({"MODELS": given}).check("ana/digits")
    assert refused.value.key == key and "MODELS" in str(refused.value)
