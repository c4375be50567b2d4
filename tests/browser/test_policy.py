"""The Content-Security-Policy in a browser. Other browser tests, too, fail if something of the page is refused."""

import pytest

from tests.browser.actions import DIGITS, TUNING_PARTS, draw, open_part, open_tab, wait_for_answer

pytestmark = pytest.mark.browser
INJECT = """() => {
    window.ran = [];
    const place = document.body.appendChild(document.createElement('div'));
    place.innerHTML = `<img src="nowhere:" onerror="ran.push('handler')"><a href="javascript:ran.push('link')">a</a>
        <iframe srcdoc="<script>parent.ran.push('frame')</script>"></iframe>
        <object data="data:text/html,<script>parent.ran.push('object')</script>"></object>`;
    place.querySelector('a').click();
    const sources = [['textContent', "ran.push('inline')"], ['src', "data:text/javascript,ran.push('data')"],
                     ['src', 'https://evil.example/a.js']];
    for (const [name, value] of sources) {
        const script = document.createElement('script');
        script[name] = value;
        place.append(script);
    }
}"""


def test_injected_scripts_do_not_run(browser, app):
    page = browser.new_page()
    refused = []
    page.on(
        "console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None
    )
    page.goto(app.url)
    page.get_by_role("tab").first.wait_for()
    assert not refused
    page.evaluate(INJECT)
    page.wait_for_timeout(500)
    assert page.evaluate("ran") == [] and len(refused) >= 6
    page.close()


def test_every_tab_works_under_the_policy(page):
    """Leaving the block of `page` checks that nothing was refused."""
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    open_tab(page, "edges")
    page.locator("#edges-kernel").wait_for()
    open_tab(page, "tuning")
    for name in TUNING_PARTS:
        open_part(page, name)
        page.locator(".panel:visible, .caption:visible").first.wait_for()
