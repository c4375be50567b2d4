"""Layout and events of the page's tabs; what they show is made by `ui.edges`, `ui.figures` and `ui.inference`."""
