"""The script that decides the page's language."""

from ui.i18n import LANGUAGES, RELATED
from ui.server.page_head import add_head_script
from ui.server.page_policy import page_policy


def test_head_script_comes_first_and_the_policy_allows_it():
    html = b"<html><head><script>start()</script></head><body><head></body></html>"
    page = add_head_script(html)
    assert page.startswith(b"<html><head><script>") and page.count(b"<script>") == 2
    assert page_policy(page).count("'sha256-") == 2
    assert page.index(b"trazo") < page.index(b"start()")
    for language in (*LANGUAGES, *RELATED):
        assert f'"{language}"'.encode() in page


def test_text_that_is_not_a_page_stays_as_it_is():
    assert add_head_script(b"<p>no</p>") == b"<p>no</p>"
