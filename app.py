"""The demo: read the settings, assemble the page, launch it. Run `python app.py`, then open http://127.0.0.1:7860.

The network's process is started first. Importing Gradio here and TensorFlow there takes seconds each. Both happen at
the same time, because the functions below import Gradio and not this module.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from model.console import set_up_console
from model.errors import ModelError, TrazoError
from model.library_settings import set_up_libraries
from model.logs import log_to, show
from model.network_settings import set_up_network
from ui.inference.supervisor import ModelSupervisor
from ui.server.access import Access
from ui.server.address import Address, check_free, describe_address, server_address
from ui.server.descriptors import raise_descriptor_limit
from ui.server.error_log import log_libraries
from ui.server.gradio_settings import set_up_gradio
from ui.server.malloc import configure_trim

if TYPE_CHECKING:
    from gradio import Blocks

MAX_QUEUE = 256  # events that wait, run, or whose answer was not fetched yet
EVENT_CONCURRENCY = 8


def build(supervisor: ModelSupervisor, compared: str | None = None) -> Blocks:
    """Return the page for a model, which need not be loaded yet.

    Args:
        supervisor: of the model.
        compared: a folder or Hub id of another run, to compare its networks with those of this one.

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
        tools = add_header(supervisor.config)
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
    replace_queue(demo, FairQueue, MAX_QUEUE, EVENT_CONCURRENCY)
    return demo


def launch(demo: Blocks, address: Address, access: Access) -> None:
    """Serve the page until the program is stopped.

    Args:
        demo: the page.
        address: where the server listens.
        access: which requests are answered.

    Raises:
        OSError: if the port is taken.
    """
    from ui.decoding.pool import decoders
    from ui.figures.style import load_plotly
    from ui.server.connections import lengthen_queue, limited_connections, max_connections
    from ui.server.fetch import MAX_FILE_MB
    from ui.server.gradio_compat import forget_temp_files
    from ui.server.http import app_kwargs
    from ui.server.sessions import MAX_SESSIONS
    from ui.server.temp_files import TEMP_FILES
    from ui.tabs.panel_scripts import panel_routes
    from ui.tabs.panels import i18n
    from ui.tabs.theme import CSS_PATHS, ICON_PATH, make_theme

    capacity = max_connections(raise_descriptor_limit())
    with limited_connections(capacity, access.is_proxy):
        demo.launch(
            server_name=address.server_name,
            server_port=address.port,
            max_file_size=f"{MAX_FILE_MB}mb",
            state_session_capacity=2 * MAX_SESSIONS,  # never reached: the queue drops those of greedy visitors before
            show_error=True,  # without it the page shows "null" for errors that Gradio itself finds
            footer_links=["api"],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            quiet=True,  # its line with the address is not flushed, and knows nothing of a proxy
            prevent_thread_lock=True,
            i18n=i18n,
            theme=make_theme(),
            css_paths=CSS_PATHS,
            favicon_path=ICON_PATH,
            app_kwargs=app_kwargs(access, capacity) | {"routes": panel_routes()},
        )
    lengthen_queue(demo.server)
    TEMP_FILES.start(kept=lambda: forget_temp_files(demo))
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
        launch(demo, address, access)
    except OSError as error:  # the port was taken meanwhile
        show(f"port {address.port} cannot be used ({error}); choose another: PORT=8000 python app.py", "stderr")
        sys.exit(2)


if __name__ == "__main__":
    set_up_console()
    try:
        main()
    except KeyboardInterrupt:  # before the page runs, which handles it
        sys.exit(130)
