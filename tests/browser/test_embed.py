"""The page in a frame: it works on the Hub's page of a Space, and is not shown on another site."""

import pytest

from tests.browser.actions import choose_kernel, open_tab

pytestmark = pytest.mark.browser

OUTSIDE = '<!doctype html><title>Space</title><iframe src="{url}" width="1200" height="900"></iframe>'


@pytest.fixture
def show_in_frame(launch_browser, app):
    """Open a page of a site with the app in a frame."""
    # Pages of the internet may not reach this machine; here the site is the test's.
    browser = launch_browser("--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests")

    def show(site: str, query: str = ""):
        page = browser.new_page(locale="en-US")
        html = OUTSIDE.format(url=f"{app.url}{query}")
        page.route(f"{site}/**", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{site}/spaces/ana/demo")
        return page

    yield show
    browser.close()


def test_page_in_the_hubs_frame_works(show_in_frame):
    page = show_in_frame("https://huggingface.co", "?tab=edges&photo=brick")
    frame = page.frames[1]
    open_tab(frame, "edges", "en")
    choose_kernel(frame, "sobel", "en")
    frame.locator("#edges-result img").last.wait_for()


def test_page_in_the_frame_of_another_site_is_not_shown(show_in_frame):
    page = show_in_frame("https://evil.example")
    page.wait_for_timeout(500)
    assert page.frames[1].url.startswith("chrome-error:") or not page.frames[1].query_selector("h1")
