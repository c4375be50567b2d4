"""Scripts and texts of panels that a visitor opens later: the page fetches them then, and starts without them.

`/panels/<name>.json` answers `{"script": …, "texts": …}` in the request's language. `trazo.load` in `static/head.js`
fetches it and runs the script with the texts as a variable. The Content-Security-Policy holds: it is an answer of the
page's own server, and the script is made a function, as Gradio does with `js_on_load`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ui.i18n import NUMBERS, Language, language_of
from ui.lesson import lesson_content
from ui.tabs.panels import read_scripts, texts_for_script


@dataclass(frozen=True)
class PanelScript:
    """What a panel needs once it is opened.

    Attributes:
        files: of `ui/static`, one script together.
        content_in: makes the script's variables in a language: `texts`, and others.
    """

    files: tuple[str, ...]
    content_in: Callable[[Language], Mapping[str, Any]]


def _network_content(language: Language) -> dict[str, Any]:
    return {"texts": texts_for_script("map_", language) | {"thousands": NUMBERS[language]["thousands"]}}


PANEL_SCRIPTS = {
    "lesson": PanelScript(("lesson.js",), lesson_content),
    "network": PanelScript(
        ("network_images.js", "network_map.js", "network_stage.js", "network_value.js", "network_answer.js"),
        _network_content,
    ),
    "training": PanelScript(("train_here.js",), lambda language: {"texts": texts_for_script("train_", language)}),
}


def load_when_seen(name: str) -> str:
    """Return the `js_on_load` of a panel that runs its script of `PANEL_SCRIPTS` when it is first seen."""
    return f'window.trazo.loadWhenSeen("{name}", {{ element, props, trigger, watch }});'


@cache
def panel_content(name: str, language: Language) -> dict[str, Any]:
    """Return a panel's script and its variables.

    Args:
        name: in `PANEL_SCRIPTS`.
        language: of the texts.
    """
    panel = PANEL_SCRIPTS[name]
    return {"script": read_scripts(*panel.files), **panel.content_in(language)}


async def _send(request: Request) -> JSONResponse:
    name = request.path_params["name"]
    if name not in PANEL_SCRIPTS:
        return JSONResponse({"detail": "Not Found"}, 404)
    headers = {"Vary": "Accept-Language", "Cache-Control": "no-store"}  # another version may run tomorrow
    return JSONResponse(panel_content(name, language_of(request)), headers=headers)


def panel_routes() -> list[Route]:
    """Return the routes that answer with the panels' scripts."""
    return [Route("/panels/{name}.json", _send)]  # by this ending Gradio compresses them
