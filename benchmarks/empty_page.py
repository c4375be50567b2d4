"""The least that Gradio can do, for `benchmarks.demo`: one page, and functions that give back what they got."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
import gradio as gr

# As Gradio comes, unless told to do as many at once as the demo.
IMAGE_EVENTS = {"concurrency_limit": int(os.environ.get("IMAGE_EVENTS", 1)), "concurrency_id": "pictures"}

with gr.Blocks(analytics_enabled=False) as demo:
    picture = gr.Image(type="filepath", label="picture")
    same = gr.Image(type="filepath", label="same")
    nothing = gr.Textbox(label="nothing")
    gr.on([], lambda picture: picture["path"], picture, same, api_name="picture", preprocess=False, **IMAGE_EVENTS)
    gr.on([], lambda picture: "", picture, nothing, api_name="text", preprocess=False, **IMAGE_EVENTS)

if __name__ == "__main__":
    demo.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), ssr_mode=False)
