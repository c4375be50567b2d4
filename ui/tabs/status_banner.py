"""What people are told while the network is loaded, and where another one had to take its place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from ui.i18n.text import UserError, language_of
from ui.inference.supervisor import ModelSupervisor
from ui.tabs.panels import PRIVATE_EVENT


def place_notice(demo: gr.Blocks, network: ModelSupervisor) -> None:
    """Place it above the tabs."""
    notice = gr.Markdown(visible=False, elem_classes="notice", elem_id="notice")

    async def tell(request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        language, loaded = language_of(request), network.start()
        if not loaded.done():
            yield gr.update(value=UserError("network_loading").text(language), visible=True)
        # Shielded: a visitor who leaves must not call off what the others wait for.
        if await asyncio.shield(asyncio.wrap_future(loaded)) is None:
            yield gr.update(value=UserError("network_unusable").text(language), visible=True)
        elif network.failure:
            reason = network.failure.replace("`", "'")
            yield gr.update(value=UserError("model_replaced", reason=reason).text(language), visible=True)
        else:
            yield gr.update(value="", visible=False)

    demo.load(tell, None, notice, concurrency_limit=None, **PRIVATE_EVENT)
