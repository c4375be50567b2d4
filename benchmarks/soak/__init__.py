"""The soak test: honest and hostile visitors of the running demo for half an hour."""
