"""The page as Gradio's `Blocks`, in which every event ends in an answer or a sentence, no matter what it was sent."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from ui.i18n import UserError, language_of
from ui.server.error_log import log_error, release_frames
from ui.server.fetch import fetch, fetch_image
from ui.server.gradio_compat import EventBlocks, ProcessEvent
from ui.server.temp_files import is_disk_full
from ui.server.visitors import visitor_of


class Page(EventBlocks):
    """Blocks that show a `UserError` in the request's language.

    Anyone can call any event with any values. If Gradio or a handler fails on them, the visitor gets a general message
    without a traceback, and the log gets one line.
    """

    async def process_event(
        self, process: ProcessEvent, inputs: list, components: Sequence[gr.blocks.Block], request: gr.Request | None
    ) -> dict[str, Any]:
        """Run an event: inputs left out at the end get their defaults, and an image given by URL is fetched first."""
        try:
            left_out = [getattr(component, "value", None) for component in components[len(inputs) :]]
            fetch_file = partial(fetch, visitor=visitor_of(request))
            return await process(await fetch_image([*inputs, *left_out], components, fetch_file))
        except Exception as error:  # any failure, see above
            if not isinstance(error, UserError):
                log_error(error)
            release_frames(error)
            shown = (
                error if isinstance(error, UserError) else UserError("disk_full" if is_disk_full(error) else "failed")
            )
            raise gr.Error(shown.text(language_of(request)), print_exception=False) from None
