"""The smallest Gradio page, for `benchmarks.demo`: functions that return their input."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
import gradio as gr

# Gradio's default, or the demo's number of requests at once.
IMAGE_EVENTS = {"concurrency_limit": int(os.environ.get("IMAGE_EVENTS", 1)), "concurrency_id": "images"}

with gr.Blocks(analytics_enabled=False) as demo:
    image = gr.Image(type="filepath", label="image")
    same = gr.Image(type="filepath", label="same")
    nothing = gr.Textbox(label="nothing")
    gr.on([], lambda image: image["path"], image, same, api_name="image", preprocess=False, **IMAGE_EVENTS)
    gr.on([], lambda image: "", image, nothing, api_name="text", preprocess=False, **IMAGE_EVENTS)

if __name__ == "__main__":
    demo.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), ssr_mode=False)
