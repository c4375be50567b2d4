"""The model behind the page: its config at once, its network when TensorFlow, which takes seconds, has been imported.

The page must not wait for it. Nothing in `ui` therefore imports TensorFlow, or what does, at the top of a file.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from model.config import CnnConfig
from model.errors import ModelError
from model.folder import find
from model.quiet import quiet
from ui.panels import UNLISTED
from ui.text import Message, language_of

if TYPE_CHECKING:
    from model.explain import Explainer

LONGEST = 120.0  # seconds that a request waits for the network
BETWEEN_LOOKS = 0.2  # seconds


class Network:
    """A model that is found, and loaded in the background.

    Attributes:
        folder: of the model, with the reports beside the weights.
        config: its `CnnConfig`.
        failure: why it is not the model that was asked for; None where it is.
    """

    def __init__(self, folder: Path, config: CnnConfig, failure: str | None = None) -> None:
        """Name the model; `start` loads it."""
        self.folder, self.config, self.failure = folder, config, failure
        self._explainer: Future[Explainer] | None = None
        self._starting = Lock()

    @classmethod
    def find(cls, name: str | None, revision: str | None) -> Network:
        """Return the model of this name, or the bundled one, with the reason, where that one is not to be had.

        Raises:
            ModelError: when not even the bundled model is there.
        """
        try:
            return cls(*find(name, revision))
        except ModelError as error:
            if name is None:
                raise
            _log(error)
            return cls(*find(), str(error))

    @property
    def ready(self) -> bool:
        """Whether answers need not wait."""
        return self._explainer is not None and self._explainer.done()

    def start(self) -> Future[Explainer]:
        """Begin to load, unless that was begun; return what will hold the result."""
        with self._starting:
            if self._explainer is None:
                self._explainer = ThreadPoolExecutor(1, "network").submit(self._load)
            return self._explainer

    def explainer(self) -> Explainer:
        """Return the loaded model with what looks inside it; waits for it.

        Raises:
            Message: when it takes too long, or no model can be loaded.
        """
        loading = self.start()
        try:
            return loading.result(LONGEST)
        except TimeoutError:
            raise Message("network_loading") from None
        except ModelError:
            raise Message("network_unusable") from None

    def _load(self) -> Explainer:
        with quiet():
            from model.cnn import CnnModel
            from model.explain import Explainer

        try:
            model = CnnModel.from_folder(self.folder, self.config)
        except ModelError as error:
            _log(error)
            self.failure = str(error)
            model = CnnModel.from_pretrained()
        explainer = Explainer(model)
        # TensorFlow compiles a function when it is first called: here, not while somebody waits for an answer.
        blank = np.zeros(model.config.image_shape, np.uint8)
        explainer.explain(blank)
        model.predict_and_reject([blank])
        return explainer


def place_notice(demo: gr.Blocks, network: Network) -> None:
    """Place what people are told until the network is loaded, and where another one had to take its place."""
    notice = gr.Markdown(visible=False, elem_classes="notice", elem_id="notice")

    async def tell(request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        language = language_of(request)
        if not network.ready:
            yield gr.update(value=Message("network_loading").text(language), visible=True)
        while not network.ready:
            await asyncio.sleep(BETWEEN_LOOKS)
        try:
            network.explainer()  # at once: it is ready
        except Message as message:
            yield gr.update(value=message.text(language), visible=True)
            return
        if network.failure:
            reason = network.failure.replace("`", "'")
            yield gr.update(value=Message("model_replaced", reason=reason).text(language), visible=True)
        else:
            yield gr.update(value="", visible=False)

    demo.load(tell, None, notice, concurrency_limit=None, **UNLISTED)


def _log(error: ModelError) -> None:
    print(f"{error}\nThe bundled model is used in its place.", file=sys.stderr)
