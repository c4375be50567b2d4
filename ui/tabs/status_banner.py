"""What people are told while the network is loaded, and where another one had to take its place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from ui.i18n import language_of, translate
from ui.inference.supervisor import ModelSupervisor
from ui.tabs.panels import PRIVATE_EVENT


def place_notice(demo: gr.Blocks, network: ModelSupervisor) -> None:
    """Place it above the tabs."""
    notice = gr.Markdown(visible=False, elem_classes="notice", elem_id="notice")

    async def tell(request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        language, loaded = language_of(request), network.start()
        if not loaded.done():
            yield gr.update(value=translate("network_loading", language), visible=True)
        # Shielded: a visitor who leaves must not call off what the others wait for.
        if await asyncio.shield(asyncio.wrap_future(loaded)) is None:
            yield gr.update(value=translate("network_unusable", language), visible=True)
        elif network.failure:
            reason = network.failure.replace("`", "'")
            yield gr.update(value=translate("model_replaced", language, reason=reason), visible=True)
        else:
            yield gr.update(value="", visible=False)

    demo.load(tell, None, notice, concurrency_limit=None, **PRIVATE_EVENT)
