"""The steps from a dataset to a measured model, one per module. A step that was interrupted continues."""
