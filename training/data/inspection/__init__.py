"""What is in a dataset, what is left out, and what training would do with it: the report data.json and its forms."""
