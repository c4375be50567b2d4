"""The banner above the tabs: the network is loading, or another one had to be used instead."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from ui.i18n import language_of, translate
from ui.inference.supervisor import ModelSupervisor
from ui.server.public_paths import without_folders
from ui.tabs.panels import PRIVATE_EVENT


def add_status_banner(demo: gr.Blocks, supervisor: ModelSupervisor) -> None:
    """Place the banner; it is hidden while there is nothing to report."""
    banner = gr.Markdown(visible=False, elem_classes="notice", elem_id="notice")

    async def report_status(request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        language, loading = language_of(request), supervisor.start()
        if not loading.done():
            yield gr.update(value=translate("network_loading", language), visible=True)
        # Shielded: a visitor who leaves must not cancel what others wait for.
        if await asyncio.shield(asyncio.wrap_future(loading)) is None:
            yield gr.update(value=translate("network_unusable", language), visible=True)
        elif supervisor.failure:
            reason = without_folders(supervisor.failure, os.environ.get("MODEL_ID", "")).replace("`", "'")
            yield gr.update(value=translate("model_replaced", language, reason=reason), visible=True)
        else:
            yield gr.update(value="", visible=False)

    demo.load(report_status, None, banner, concurrency_limit=None, **PRIVATE_EVENT)
