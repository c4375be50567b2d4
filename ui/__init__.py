"""The demo's tabs: one module a tab, plain functions on arrays inside, Gradio components around them."""
