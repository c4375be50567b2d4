"""The demo: read the settings, assemble the page, launch it. Run `python app.py`, then open http://127.0.0.1:7860.

The network's process is started first. Importing Gradio here and TensorFlow there takes seconds each. Both happen at
the same time, because the functions below import Gradio and not this module.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from model.console import set_up_console
from model.errors import ModelError, TrazoError
from model.library_settings import set_up_libraries
from model.logs import log_to, show
from model.network_settings import set_up_network
from ui.inference.supervisor import ModelSupervisor
from ui.server.access import Access
from ui.server.address import Address, check_free, describe_address, server_address
from ui.server.allowed_models import AllowedModels
from ui.server.descriptors import raise_descriptor_limit
from ui.server.error_log import log_libraries
from ui.server.gradio_settings import set_up_gradio
from ui.server.malloc import configure_trim

if TYPE_CHECKING:
    from gradio import Blocks

    from ui.server.model_pages import ModelPages
    from ui.server.other_model import OtherModel

MAX_QUEUE = 256  # events that wait, run, or whose answer was not fetched yet
EVENT_CONCURRENCY = 8
MAX_OTHER_HELD_MB = 16  # bodies of the events of another model's page, see `ui.server.fair_queue`


def build(supervisor: ModelSupervisor, compared: str | None = None, max_held_mb: int | None = None) -> Blocks:
    """Return the page for a model, which need not be loaded yet.

    Args:
        supervisor: of the model.
        compared: a folder or Hub id of another run, to compare its networks with those of this one.
        max_held_mb: of the bodies that its queue holds; None for as many as the demo's own page.

    Raises:
        ModelError: if that run is not available.
    """
    import gradio as gr

    from ui.reports.folder import find_compared
    from ui.server.blocks import Page
    from ui.server.fair_queue import FairQueue
    from ui.server.gradio_compat import keep_no_configs, queue_every_event, replace_queue
    from ui.tabs.accessibility import name_controls
    from ui.tabs.edges import add_edges_tab
    from ui.tabs.link_controls import bind_page_link
    from ui.tabs.panels import i18n
    from ui.tabs.sketch import add_sketch_tab, tab_key
    from ui.tabs.status_banner import add_status_banner
    from ui.tabs.theme import add_header
    from ui.tabs.tuning import add_tuning_tab

    with Page(title="Trazo", analytics_enabled=False) as demo:
        tools = add_header(supervisor.config, supervisor.repo)
        add_status_banner(demo, supervisor)
        with gr.Tabs() as tabs:
            with gr.Tab(i18n("edges_tab"), id="edges"):
                edges = add_edges_tab(demo, supervisor)
            with gr.Tab(i18n(tab_key(supervisor.config)), id="digit"):
                add_sketch_tab(supervisor)
            with gr.Tab(i18n("tuning_tab"), id="tuning"):
                parts = add_tuning_tab(demo, supervisor, find_compared(compared))
        bind_page_link(tools, tabs, parts, edges)
        name_controls(demo)
    # `api_open` would allow calls that bypass the queue: they have no limits, and a misspelled name gives status 500.
    demo.api_open = False
    keep_no_configs()
    queue_every_event(demo)
    queue = partial(FairQueue, max_held_mb=max_held_mb) if max_held_mb else FairQueue
    replace_queue(demo, queue, MAX_QUEUE, EVENT_CONCURRENCY)
    return demo


def page_options() -> dict[str, Any]:
    """Return how the page of any model is served."""
    from ui.server.fetch import MAX_FILE_MB
    from ui.tabs.panels import i18n
    from ui.tabs.theme import CSS_PATHS, ICON_PATH, make_theme

    return {
        "max_file_size": f"{MAX_FILE_MB}mb",
        "show_error": True,  # without it the page shows "null" for errors that Gradio itself finds
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "i18n": i18n,
        "theme": make_theme(),
        "css_paths": CSS_PATHS,
        "favicon_path": ICON_PATH,
    }


def make_model_pages(
    demo: Blocks, options: dict[str, Any], allowed: AllowedModels, own: str | None
) -> ModelPages[OtherModel]:
    """Return the pages of other models, none of which is open yet.

    Args:
        demo: the page of the demo's own model.
        options: see `page_options`.
        allowed: which other models are shown if somebody asks for them.
        own: the id of the demo's own model, if it is on the Hub.
    """
    from ui.server.http import EXCEPTION_HANDLERS
    from ui.server.model_pages import ModelPages
    from ui.server.other_model import open_other_model

    others = options | {"app_kwargs": {"exception_handlers": EXCEPTION_HANDLERS}}
    build_other = partial(build, max_held_mb=MAX_OTHER_HELD_MB)

    def open_model(name: str) -> OtherModel:
        return open_other_model(name, name in allowed.listed, demo, build_other, others)

    return ModelPages(allowed, open_model, own, lambda: demo.root_path)


def launch(demo: Blocks, address: Address, access: Access, allowed: AllowedModels, own: str | None) -> None:
    """Serve the page until the program is stopped.

    Args:
        demo: the page.
        address: where the server listens.
        access: which requests are answered.
        allowed: which other models are shown if somebody asks for them.
        own: the id of the page's model, if it is on the Hub.

    Raises:
        OSError: if the port is taken.
    """
    from ui.decoding.pool import decoders
    from ui.figures.style import load_plotly
    from ui.server.agents import agents_route, agents_text
    from ui.server.connections import lengthen_queue, limited_connections, max_connections
    from ui.server.gradio_compat import forget_temp_files, has_mcp
    from ui.server.http import app_kwargs
    from ui.server.sessions import MAX_SESSIONS
    from ui.server.temp_files import TEMP_FILES
    from ui.tabs.panel_scripts import panel_routes

    capacity = max_connections(raise_descriptor_limit())
    options = page_options()
    models = make_model_pages(demo, options, allowed, own)
    routes = [*panel_routes(), agents_route(lambda: agents_text(own, has_mcp(demo), allowed))]

    def kept_files() -> set[str]:
        return set().union(*map(forget_temp_files, (demo, *(model.demo for model in models.open_models))))

    with limited_connections(capacity, access.is_proxy):
        demo.launch(
            server_name=address.server_name,
            server_port=address.port,
            state_session_capacity=2 * MAX_SESSIONS,  # never reached: the queue drops those of greedy visitors before
            quiet=True,  # its line with the address is not flushed, and knows nothing of a proxy
            prevent_thread_lock=True,
            app_kwargs=app_kwargs(access, capacity, models) | {"routes": routes},
            **options,
        )
    lengthen_queue(demo.server)
    TEMP_FILES.start(kept=kept_files)
    if demo.mcp_error:
        show(demo.mcp_error, "stderr")
    show(describe_address(address, demo.root_path, demo.share_url))
    # Not before, so that the page is served sooner: what a visitor will need later, and the search for garbage.
    decoders().start()
    load_plotly()
    gc.collect()
    gc.freeze()  # what the page is made of stays, and is not looked through again
    gc.enable()
    demo.block_thread()


def main() -> None:
    """Find the model and start to load it; in the meantime build the page, then serve it."""
    log_to("stderr")
    log_libraries()
    configure_trim()
    gc.disable()  # until the page is served: a sixth of its start would be spent on looking for garbage
    try:
        address = server_address(os.environ)
        access = Access.from_environ(os.environ, address)
        allowed = AllowedModels.from_environ(os.environ)
        set_up_libraries(os.environ)
        set_up_network(os.environ, address.host)
        set_up_gradio(os.environ)
        check_free(address)
        supervisor = ModelSupervisor.find(os.environ.get("MODEL_ID") or None, os.environ.get("MODEL_REVISION") or None)
    except TrazoError as error:
        show(str(error), "stderr")
        sys.exit(2)
    supervisor.start()
    try:
        demo = build(supervisor, os.environ.get("COMPARE_ID"))
    except ModelError as error:
        show(f"COMPARE_ID: {error}", "stderr")
        sys.exit(2)
    try:
        launch(demo, address, access, allowed, supervisor.repo)
    except OSError as error:  # the port was taken meanwhile
        show(f"port {address.port} cannot be used ({error}); choose another: PORT=8000 python app.py", "stderr")
        sys.exit(2)


if __name__ == "__main__":
    set_up_console()
    try:
        main()
    except KeyboardInterrupt:  # before the page runs, which handles it
        sys.exit(130)
