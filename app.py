"""The demo: reads the settings, assembles the tabs, launches. `python app.py`, then open http://127.0.0.1:7860.

The network's process is begun first. Gradio takes seconds to import here, and TensorFlow there: the functions import
what they need of Gradio, so that both come at the same time.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from model.errors import ModelError
from ui.inference.supervisor import ModelSupervisor
from ui.server.malloc import configure_trim

if TYPE_CHECKING:
    from gradio import Blocks

PORT = 7860
# Gradio keeps its last 10,000 events and, after each, computes statistics of all of them, which nobody looks at here.
NO_STATISTICS = {"GRADIO_ANALYTICS_MAX_EVENTS": "1", "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(sys.maxsize)}
# Gradio keeps a copy of the page's state, 0.2 MB, for everybody who ever came, up to 10,000. Who comes back after so
# many others only finds the controls as they are at the start.
MAX_SESSIONS = 128
# Requests that wait; at the very worst they hold 1 GB, all with bodies as large as `http.CALL`.
MAX_QUEUE = 256
TEMP_FILE_TTL_S = 3600  # seconds that a temporary file stays, and between two looks for those that are older


def build(network: ModelSupervisor) -> Blocks:
    """Return the page for a model, which need not be loaded yet."""
    import gradio as gr

    from ui.server.blocks import Page
    from ui.tabs import edges, sketch, theme, tuning
    from ui.tabs.accessibility import name_controls
    from ui.tabs.panels import i18n
    from ui.tabs.status_banner import place_notice

    with Page(title="Trazo", analytics_enabled=False, delete_cache=(TEMP_FILE_TTL_S, TEMP_FILE_TTL_S)) as demo:
        theme.header()
        place_notice(demo, network)
        with gr.Tab(i18n("edges_tab"), id="edges"):
            edges.tab(demo, network)
        with gr.Tab(i18n(sketch.name(network.config)), id="digit"):
            sketch.tab(network)
        with gr.Tab(i18n("tuning_tab"), id="tuning"):
            tuning.tab(demo, network.folder)
        name_controls(demo)
    # Not open: what does not go through the queue has no limits, and ends with status 500 for a mere misspelling.
    return demo.queue(max_size=MAX_QUEUE, default_concurrency_limit=8, api_open=False)


def launch(demo: Blocks, port: int) -> None:
    """Serve the page until the program is ended.

    Raises:
        OSError: when the port is taken.
    """
    from ui.server import http
    from ui.server.fetch import LARGEST
    from ui.tabs import theme
    from ui.tabs.panels import i18n

    demo.launch(
        server_name="0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1",
        server_port=port,
        max_file_size=f"{LARGEST}mb",
        state_session_capacity=MAX_SESSIONS,
        show_error=True,  # else people are told "null" of what Gradio finds wrong itself
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        i18n=i18n,
        theme=theme.theme(),
        css_paths=theme.CSS,
        favicon_path=theme.ICON,
        app_kwargs=http.OPTIONS,
    )


def main() -> None:
    """Find the model and begin to load it, meanwhile build the page and serve it."""
    for name, value in {"GRADIO_ANALYTICS_ENABLED": "False", **NO_STATISTICS}.items():
        os.environ.setdefault(name, value)  # Gradio looks when it is imported
    configure_trim()
    port = os.environ.get("PORT") or str(PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        sys.exit(f"PORT must be a number from 1 to 65535, not {port!r}")
    try:
        network = ModelSupervisor.find(os.environ.get("MODEL_ID") or None, os.environ.get("MODEL_REVISION") or None)
    except ModelError as error:
        sys.exit(str(error))
    network.start()
    demo = build(network)
    try:
        launch(demo, int(port))
    except OSError:  # Gradio found the port taken
        sys.exit(f"port {port} is taken; choose another: PORT=8000 python app.py")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before there is a page, which takes it for its end
        sys.exit(130)
