"""Gradio's page, whose every event ends in an answer or a sentence, whatever it was sent."""

from typing import Any

import gradio as gr

from ui.i18n import UserError, language_of
from ui.server.error_log import log, release_frames
from ui.server.fetch import with_files


class Page(gr.Blocks):
    """Blocks that tell a `UserError` in the request's language.

    Strangers can call every event with anything: what Gradio or a handler trips over then is told as well, without a
    trace, and leaves a line in the log.
    """

    async def process_api(self, block_fn: Any, inputs: list, *extra: Any, **named: Any) -> dict[str, Any]:
        """Run an event: files that lie elsewhere are fetched first."""
        try:
            return await super().process_api(block_fn, await with_files(inputs), *extra, **named)
        except Exception as error:
            if not isinstance(error, UserError):
                log(error)
            release_frames(error)
            told, request = error if isinstance(error, UserError) else UserError("failed"), named.get("request")
            language = language_of(request[0] if isinstance(request, list) else request)  # of what says it is a batch
            raise gr.Error(told.text(language), print_exception=False) from None
