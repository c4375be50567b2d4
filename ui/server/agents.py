"""`/agents.md`: how a program, or a language model that writes one, uses the demo. Spaces serve a file of this name."""

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ui.server.allowed_models import AllowedModels

_TEXT = Path(__file__).with_name("agents.md").read_text(encoding="utf-8")
_MCP = {
    True: "BASE/gradio_api/mcp/ has the endpoints as the tools `classify`, `find_edges` and `trials`.",
    False: "not switched on here.",
}


def agents_text(model: str | None, has_mcp: bool, allowed: AllowedModels) -> str:
    """Return the file.

    Args:
        model: the demo's model, if it is on the Hub.
        has_mcp: whether the endpoints are tools of MCP, too.
        allowed: which other models the demo opens.
    """
    patterns = sorted(allowed.listed) + [f"{owner}/*" for owner in sorted(allowed.owners)]
    patterns += ["owner/name, any that everybody may read"] if allowed.any_owner else []
    others = "this demo shows one model."
    if patterns:
        others = f"the same endpoints are below BASE/models/owner/name/, for {', '.join(patterns)}."
    return _TEXT.format(model=f", {model}" if model else "", mcp=_MCP[has_mcp], others=others)


def agents_route(text: Callable[[], str]) -> Route:
    """Return the route that answers with the file; what is in it is known once the demo is served."""

    async def send(_: Request) -> PlainTextResponse:
        return PlainTextResponse(text(), media_type="text/markdown")

    return Route("/agents.md", send)
