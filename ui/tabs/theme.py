"""How the page looks: a Gradio theme with system fonts (nothing is loaded from other sites) and its style sheet."""

from pathlib import Path
from urllib.parse import quote

import gradio as gr

from model.config import CnnConfig
from ui.markup import html_text
from ui.tabs.lesson import add_lesson
from ui.tabs.link import add_page_tools
from ui.tabs.panels import i18n

STATIC = Path(__file__).parents[1] / "static"
CSS_PATHS = [STATIC / "style.css", STATIC / "network.css"]
ICON_PATH = STATIC / "icon.svg"  # shown in the browser's tab
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif'
MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace'

INK = gr.themes.Color(
    name="ink",
    c50="#f0f2fd",
    c100="#e2e6fb",
    c200="#c9d0f7",
    c300="#a6b1f0",
    c400="#8290e9",
    c500="#5b6ee1",
    c600="#4355c9",
    c700="#3744a3",
    c800="#2f3a83",
    c900="#2a3369",
    c950="#1a1f42",
)


def make_theme() -> gr.themes.Base:
    """Return the theme: ink blue on paper, flat panels with a fine border."""
    theme = gr.themes.Base(
        primary_hue=INK, neutral_hue="slate", radius_size="lg", font=["system-ui"], font_mono=["monospace"]
    )
    # Gradio would quote the keyword system-ui, which would make it the name of a font that does not exist.
    theme.font, theme.font_mono = FONT, MONO
    return theme.set(
        color_accent="*primary_600",  # readable as text on the page's background
        body_text_color="#1d2330",
        body_text_color_dark="#e8eaf0",
        body_text_color_subdued="#5d6675",
        body_text_color_subdued_dark="#a3abba",
        block_label_text_size="*text_sm",
        block_title_text_size="*text_sm",
        body_background_fill="#fbfaf7",
        body_background_fill_dark="#12141a",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1a1d25",
        background_fill_secondary="#f6f5f1",
        background_fill_secondary_dark="#151820",
        block_background_fill="*background_fill_primary",
        block_background_fill_dark="*background_fill_primary",
        block_border_color="#e4e2da",
        block_border_color_dark="#2b303c",
        border_color_primary="#e4e2da",
        border_color_primary_dark="#2b303c",
        block_border_width="1px",
        block_shadow="none",
        block_label_background_fill="*background_fill_primary",
        block_label_background_fill_dark="*background_fill_primary",
        block_label_border_width="0px",
        block_label_text_color="*body_text_color_subdued",
        block_label_text_color_dark="*body_text_color_subdued",
        block_label_text_weight="500",
        block_title_text_weight="500",
        block_title_text_color="*body_text_color_subdued",
        block_title_text_color_dark="*body_text_color_subdued",
        table_even_background_fill="*background_fill_primary",
        table_even_background_fill_dark="*background_fill_primary",
        table_odd_background_fill="*background_fill_secondary",
        table_odd_background_fill_dark="*background_fill_secondary",
        table_border_color="*border_color_primary",
        table_border_color_dark="*border_color_primary",
        checkbox_label_background_fill="*background_fill_secondary",
        checkbox_label_background_fill_dark="*background_fill_secondary",
        input_background_fill="*background_fill_secondary",
        input_background_fill_dark="*background_fill_secondary",
        slider_color="*primary_500",
    )


def add_header(config: CnnConfig, repo: str | None) -> gr.HTML:
    """Place the title, what the page is, the tools and the lesson; returns the tools, see `add_page_tools`.

    Args:
        config: of the model.
        repo: its id on the Hub, if it is there.
    """
    with gr.Row(elem_classes="masthead"):
        gr.HTML(TITLE, padding=False, elem_id="title")
        if repo:
            link = (
                f'<a href="https://huggingface.co/{quote(repo)}" target="_blank" rel="noopener">{html_text(repo)}</a>'
            )
            gr.HTML(link, padding=False, elem_id="model-name")
        gr.Markdown(i18n("tagline"), elem_id="tagline")
        tools = add_page_tools()
        add_lesson(config)
    return tools


TITLE = """<h1>Trazo<svg viewBox="0 0 120 12" aria-hidden="true"><path
d="M3 8 C 22 2, 38 11, 58 6 S 96 2, 117 5" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round"/>
</svg></h1>"""
