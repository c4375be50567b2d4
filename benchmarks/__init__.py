"""Side-by-side measurements, each run with `python -m benchmarks.NAME`."""
