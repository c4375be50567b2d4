"""The demo: reads the settings, assembles the tabs, launches. `python app.py`, then open http://127.0.0.1:7860."""

import os
import sys

from model.quiet import quiet

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported
with quiet():
    import gradio as gr

    from model import CnnModel, ModelError
    from model.explain import Explainer
    from ui import edges, sketch, theme, tuning
    from ui.panels import UNLISTED
    from ui.text import Message, i18n, language_of

PORT = 7860


def load_model() -> tuple[CnnModel, str | None]:
    """Return the model that MODEL_ID and MODEL_REVISION name, or the bundled one and why that was not to be had.

    Raises:
        ModelError: when not even the bundled model can be loaded.
    """
    name = os.environ.get("MODEL_ID")
    if not name:
        return CnnModel.from_pretrained(), None
    try:
        return CnnModel.from_pretrained(name, revision=os.environ.get("MODEL_REVISION") or None), None
    except ModelError as error:
        print(f"{error}\nThe bundled model is used in its place.", file=sys.stderr)
        return CnnModel.from_pretrained(), str(error)


def build(model: CnnModel, failure: str | None = None) -> gr.Blocks:
    """Return the page for a model; `failure` is why it is not the model that was asked for."""
    explainer = Explainer(model)
    with gr.Blocks(title="Trazo", analytics_enabled=False, delete_cache=(3600, 3600)) as demo:
        theme.header()
        if failure:
            _notice(demo, Message("model_replaced", reason=failure.replace("`", "'")))
        with gr.Tab(i18n("edges_tab"), id="edges"):
            edges.tab(demo, explainer)
        with gr.Tab(i18n(sketch.name(model)), id="digit"):
            sketch.tab(explainer)
        with gr.Tab(i18n("tuning_tab"), id="tuning"):
            tuning.tab(demo, model.folder)
    return demo.queue(max_size=64, default_concurrency_limit=8)


def _notice(demo: gr.Blocks, message: Message) -> None:
    notice = gr.Markdown(elem_classes="notice")

    def say(request: gr.Request) -> str:
        return message.text(language_of(request))

    demo.load(say, None, notice, **UNLISTED)


def main() -> None:
    """Load, build and serve."""
    try:
        demo = build(*load_model())
    except ModelError as error:
        sys.exit(str(error))
    port = os.environ.get("PORT") or str(PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        sys.exit(f"PORT must be a number from 1 to 65535, not {port!r}")
    try:
        demo.launch(
            server_name="0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1",
            server_port=int(port),
            max_file_size="20mb",
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            i18n=i18n,
            theme=theme.theme(),
            css_paths=theme.CSS,
        )
    except OSError:  # Gradio found the port taken
        sys.exit(f"port {port} is taken; choose another: PORT=8000 python app.py")


if __name__ == "__main__":
    main()
