"""Between the page's address and its controls: sets them to what an address asks for, and writes what is chosen."""

import json
from typing import Any

import gradio as gr

from ui.edges.kernel_choice import KernelChoice, choose_named, choose_own
from ui.server.gradio_compat import example_value
from ui.tabs.edges import PHOTO_NAMES, PHOTOS, EdgesTab
from ui.tabs.kernel_picker import DEFAULT_KERNEL, OWN
from ui.tabs.link import bind_link
from ui.tabs.panels import PRIVATE_EVENT

# What a parameter of the address is when it is left out, as the scripts compare it.
_DEFAULTS = {"photo": PHOTO_NAMES[0], "kernel": DEFAULT_KERNEL, "threshold": "50", "flip": "1", "sign": "clipped"}
_DEFAULTS |= {"show": "binary", "stride": "1", "padding": "same"}


def bind_page_link(tools: gr.HTML, tabs: gr.Tabs, parts: gr.Tabs, edges: EdgesTab) -> None:
    """Connect the address with the tabs, the parts of the tab "tuning", and the controls of the edges tab.

    Args:
        tools: see `add_page_tools`.
        tabs: of the page.
        parts: of the tab "tuning".
        edges: the edges tab.
    """
    controls, kernel = edges.controls, edges.controls.kernel
    plain = {
        "threshold": controls.threshold,
        "flip": controls.operation,
        "sign": controls.sign,
        "stride": controls.stride,
        "padding": controls.padding,
    }
    outputs = [tabs, parts, controls.image, controls.output, *plain.values()]
    outputs += [kernel.name, kernel.learned_group, kernel.side, kernel.matrix]

    def update(found: dict[str, Any], rows: Any) -> dict[Any, Any]:
        changes: dict[Any, Any] = {plain[name]: found[name] for name in plain if name in found}
        for part, name in ((tabs, "tab"), (parts, "part")):
            if name in found:
                changes[part] = gr.update(selected=found[name])
        if "photo" in found:
            changes[controls.image] = example_value(controls.photos, [PHOTOS[PHOTO_NAMES.index(found["photo"])]])
        if "kernel" in found:
            choice, name = _choose(found["kernel"], rows)
            changes |= {
                kernel.name: name,
                kernel.learned_group: gr.update(visible=False),
                kernel.side: gr.update(visible=name == OWN, value=len(choice.rows)),
                kernel.matrix: choice.rows,
            }
            if choice.output:
                found = {"show": choice.output} | found
        if "show" in found:
            changes[controls.output] = found["show"]
            visible = {"visible": found["show"] == "binary"}
            changes[controls.threshold] = gr.update(
                **visible, **({"value": found["threshold"]} if "threshold" in found else {})
            )
        return changes or gr.skip()

    bind_link(tools, [kernel.matrix], outputs, update, edges.show_event)
    _write_address(tabs, parts, edges, plain | {"show": controls.output})


def _choose(kernel: str | list[list[float]], rows: Any) -> tuple[KernelChoice, str]:
    """Return what a kernel of an address means for the controls, and its entry in the list."""
    if isinstance(kernel, str):
        return choose_named(kernel, rows), kernel
    return choose_own(kernel), OWN


def _write_address(tabs: gr.Tabs, parts: gr.Tabs, edges: EdgesTab, controls: dict[str, Any]) -> None:
    """Keep the address up to date in the browser; the server is not asked."""

    def write(event: Any, inputs: list, changes: str) -> None:
        event(None, inputs, None, js=f"(...values) => {{ trazo.setLink({changes}); }}", **PRIVATE_EVENT)

    # Gradio also selects the first ones when the page is loaded.
    for name, group in (("tab", tabs), ("part", parts)):
        for one in group.children:
            write(one.select, [], f'trazo.changed("{name}", "{one.id}", "{group.children[0].id}")')
    for name, control in controls.items():
        value = 'values[0] === "convolution" ? "1" : "0"' if name == "flip" else "String(values[0])"
        write(control.input, [control], f'trazo.changed("{name}", {value}, "{_DEFAULTS[name]}")')
    photos = edges.controls.photos.dataset  # its value is the number of the photo
    chosen = f"{json.dumps(PHOTO_NAMES)}[values[0]?.[0] ?? values[0]]"
    write(photos.click, [photos], f'trazo.changed("photo", {chosen}, "{_DEFAULTS["photo"]}")')
    write(edges.controls.image.input, [], "{ photo: null }")
    kernel = edges.controls.kernel
    written = f'trazo.changed("kernel", trazo.kernelText(values[0], values[1]), "{_DEFAULTS["kernel"]}")'
    for event in edges.kernel_events:
        write(event.then, [kernel.name, kernel.matrix], written)
