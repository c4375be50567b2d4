"""The training package: Hub dataset -> published model."""
