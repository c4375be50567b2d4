"""Limits that several packages share. Without imports, so that the command line starts at once."""

MAX_SIDE_PX = 1024  # of a network's input
MAX_KERNEL_SIDE_PX = 31  # of a network's kernels, and of those that the demo applies
MAX_MISTAKES = 500  # that an evaluation keeps with their images
