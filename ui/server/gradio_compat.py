"""Every name of Gradio, gradio_client and safehttpx that is not part of their public interface, in one place.

Such names may change with any release. `ui/requirements.txt` therefore holds the exact version of each package, and
`tests/unit/ui/server/test_gradio_compat.py` checks that each name is still there. To move to another version, change
it there, run this test, then the browser tests.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.blocks import Block
from gradio.components.image_editor import EditorData
from gradio.data_classes import ImageData
from gradio.mcp import GradioMCPServer
from gradio.processing_utils import PUBLIC_HOSTNAME_WHITELIST
from gradio.queueing import Event, Queue
from gradio.route_utils import CustomCORSMiddleware, get_root_url
from gradio.routes import file_upload_statuses
from gradio.state_holder import SessionState
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_http_url_like
from safehttpx import matches_domain_whitelist
from starlette.datastructures import Headers

__all__ = [
    "PUBLIC_HOSTNAME_WHITELIST",
    "CustomCORSMiddleware",
    "EditorData",
    "Event",
    "GradioMCPServer",
    "ImageData",
    "Queue",
    "file_upload_statuses",
    "get_root_url",
    "get_upload_folder",
    "is_http_url_like",
    "is_in_or_equal",
    "matches_domain_whitelist",
]

POLL_S = 0.01  # after which a further page's queue looks for an event again; by default that is a thousandth
ProcessEvent = Callable[[list], Awaitable[dict[str, Any]]]


class EventBlocks(gr.Blocks):
    """Blocks with a method around every event that runs on the server."""

    async def process_event(
        self, process: ProcessEvent, inputs: list, components: Sequence[Block], request: gr.Request | None
    ) -> dict[str, Any]:
        """Run an event.

        Args:
            process: Gradio's own processing of the inputs.
            inputs: the raw values, not checked yet.
            components: of the inputs; a client may send more or fewer values.
            request: the request of the event.
        """
        return await process(inputs)

    async def process_api(self, block_fn: Any, inputs: list, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run an event; Gradio calls this."""

        async def process(given: list) -> dict[str, Any]:
            return await super(EventBlocks, self).process_api(block_fn, given, *args, **kwargs)

        request = kwargs.get("request")
        # A list if the event says that it is a batch.
        request = request[0] if isinstance(request, list) else request
        components = (self.fns[block_fn] if isinstance(block_fn, int) else block_fn).inputs
        return await self.process_event(process, inputs, components, request)


def forget_temp_files(blocks: gr.Blocks) -> set[str]:
    """Have Gradio forget the files of visitors, which it would list forever, and return those of the page itself."""
    for files in blocks.temp_file_sets:
        files.clear()
    return {file for block in list(blocks.blocks.values()) for file in list(block.keep_in_cache)}


def set_payload_model(component: gr.components.Component, model: type) -> None:
    """Have Gradio check and describe a component's payload with this model."""
    component.data_model = model


def set_api_schema(component: gr.components.Component, schema: dict[str, Any], example: Any) -> None:
    """Set what the API description says about a component: the JSON schema of its value, and an example."""
    component.api_info = lambda: schema
    component.example_payload = lambda: example


def load_event(examples: gr.Examples) -> Any:
    """Return the event of a chosen example, to be followed by `.then`."""
    return examples.load_input_event


def example_value(examples: gr.Examples, example: list) -> Any:
    """Return the payload of an example with one input, as a click on it sets it."""
    return examples.non_none_processed_examples[example][0]


def replace_queue(
    demo: gr.Blocks, queue_type: Callable[..., Queue], max_size: int, default_concurrency_limit: int
) -> None:
    """Replace the queue that every page starts with by another type.

    `demo.queue()` would also make the whole application once more, although `launch` does that.

    Args:
        demo: the page.
        queue_type: of the queue.
        max_size: events that wait, run, or whose answer was not fetched yet.
        default_concurrency_limit: of an event that does not have one.
    """
    made = demo._queue
    demo._queue = queue_type(
        live_updates=made.live_updates,
        concurrency_count=made.max_thread_count,
        update_intervals=made.update_intervals,
        max_size=max_size,
        blocks=demo,
        default_concurrency_limit=default_concurrency_limit,
    )


def sessions_with_state(demo: gr.Blocks) -> list[str]:
    """Return the sessions that Gradio keeps a state of, the one that was used longest ago first."""
    return list(demo.state_holder.session_data)


def drop_session(demo: gr.Blocks, session: str) -> None:
    """Have Gradio forget the state of a session, if there is one; it begins again with the session's next event."""
    demo.state_holder.session_data.pop(session, None)
    demo.state_holder.time_last_used.pop(session, None)


def keep_no_configs() -> None:
    """Have Gradio keep no copy of all components' configs for each session: only deep links, which are closed, use it.

    Such a copy is 0.2 MB, and making it takes tens of milliseconds of the interpreter, for each call of the API, too.
    """
    SessionState.__init__ = lambda self, blocks: _make_state(
        self, SimpleNamespace(default_config=blocks.default_config, blocks={})
    )
    SessionState._update_config = lambda self, key: None
    SessionState._update_value_in_config = lambda self, key, value: None


def queue_every_event(demo: gr.Blocks) -> None:
    """Have every event wait in the queue, also those that Gradio makes itself, such as that of a chosen example."""
    for event in demo.fns.values():
        event.queue = True


def page_root(request: Any, path: str, root_path: str) -> str:
    """Return the address of the page that a visitor reaches the server at, without a slash at its end.

    Args:
        request: FastAPI's.
        path: of the request, below that page's.
        root_path: at which a proxy serves the page, or its whole address; or empty.
    """
    return get_root_url(request, path, root_path or None)


def make_app(demo: gr.Blocks, root_path: str, local_url: str, options: dict[str, Any]) -> FastAPI:
    """Return the application of a further page, which another one's server serves below a path.

    Args:
        demo: the page.
        root_path: at which visitors reach it, or its whole address.
        local_url: at which this process reaches it, with a slash at its end.
        options: of `gr.mount_gradio_app`.
    """
    app = gr.mount_gradio_app(FastAPI(openapi_url=None), demo, path="/", root_path=root_path, **options)
    demo._queue.sleep_when_free = POLL_S
    if demo.mcp_server_obj:
        demo.mcp_server_obj._local_url = local_url  # else it would ask by the address that its first client used
    return app


@asynccontextmanager
async def running_app(app: FastAPI) -> AsyncIterator[None]:
    """Run the tasks of a further page's application; at the end, end the requests that only wait for it, too."""
    async with app.router.lifespan_context(app):
        try:
            yield
        finally:
            mounted = app.routes[-1].app  # type: ignore[attr-defined] # a Mount
            blocks = mounted.get_blocks()
            blocks._queue.close()
            blocks.is_running = False
            mounted.stop_event.set()


def set_origin_rule(is_allowed: Callable[[Headers], bool]) -> None:
    """Have Gradio let pages of other sites read answers by this rule. By default a public page lets every site."""
    CustomCORSMiddleware.is_valid_origin = lambda _, request_headers: is_allowed(request_headers)


def forget_upload(upload_id: str, seconds: float) -> None:
    """Drop an upload's progress after some time; Gradio keeps it forever if nobody asks for it."""

    def forget() -> None:
        file_upload_statuses._statuses.pop(upload_id, None)
        file_upload_statuses._signals.pop(upload_id, None)

    asyncio.get_running_loop().call_later(seconds, forget)


def has_mcp(demo: gr.Blocks) -> bool:
    """Return whether a page's endpoints are tools of MCP, too."""
    return demo.mcp_server_obj is not None


def set_mcp_paths(reveal: Callable[[str], str]) -> None:
    """Have MCP, which asks the page as any other client does, open the images of answers at these paths."""
    GradioMCPServer.get_image = staticmethod(lambda file_path: _get_mcp_image(reveal(file_path)))


_get_mcp_image = GradioMCPServer.get_image
_make_state = SessionState.__init__
