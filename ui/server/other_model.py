"""A model that visitors open by its address, with its page: downloaded, checked, started, and removed again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from model.io.locate import locate_on_hub
from ui.inference.supervisor import ModelSupervisor
from ui.server.gradio_compat import make_app, running_app

MAX_WEIGHTS_BYTES = 100_000_000


class OtherModel:
    """A model with its page, which `ui.server.model_pages` runs and closes.

    Attributes:
        demo: the page.
        app: its application.
        path: at which visitors reach it.
    """

    def __init__(self, supervisor: ModelSupervisor, demo: gr.Blocks, app: FastAPI, path: str, cache: Any) -> None:
        """Keep what belongs together; `open_other_model` makes it."""
        self.demo, self.app, self.path = demo, app, path
        self._supervisor, self._cache = supervisor, cache

    def running(self) -> AbstractAsyncContextManager[None]:
        """Run the application's tasks."""
        return running_app(self.app)

    def close(self) -> None:
        """End the network's process, and remove what was downloaded for it."""
        self._supervisor.close()
        if self._cache:
            self._cache.cleanup()


def open_other_model(
    name: str,
    is_listed: bool,
    main: gr.Blocks,
    build: Callable[[ModelSupervisor], gr.Blocks],
    options: dict[str, Any],
) -> OtherModel:
    """Download a model, start its network's process and make its page.

    A model that the host lists is read with the host's token and stays in the Hub's cache. One that only its owner is
    allowed for is read as everybody may read it, and removed when its page is closed.

    Args:
        name: `owner/name`.
        is_listed: whether the host lists it.
        main: the page of the demo's own model, which is served.
        build: makes a page.
        options: of `gr.mount_gradio_app`.

    Raises:
        ModelError: if there is no such model, or it is damaged or too large.
    """
    cache = None if is_listed else tempfile.TemporaryDirectory(prefix="trazo-model-", ignore_cleanup_errors=True)
    supervisor = None
    try:
        folder = Path(cache.name) if cache else None
        located = locate_on_hub(name, None if is_listed else False, folder, MAX_WEIGHTS_BYTES)
        supervisor = ModelSupervisor(*located, repo=name)
        supervisor.start()
        demo = build(supervisor)
        root, path = main.root_path.rstrip("/"), f"/models/{name}"
        app = make_app(demo, root + path, f"{main.local_url}{path.lstrip('/')}/", options)
    except BaseException:
        if supervisor:
            supervisor.close()
        if cache:
            cache.cleanup()
        raise
    return OtherModel(supervisor, demo, app, "" if "://" in root else root + path, cache)
