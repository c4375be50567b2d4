"""Run on a rented machine of Hugging Face Jobs: `run --on HARDWARE`."""
