"""Limits that several packages share. Without imports, so that the command line starts at once."""

MAX_SIDE_PX = 1024  # of a network's input
MAX_KERNEL_SIDE_PX = 31  # of a network's kernels, and of those that the demo applies
MAX_LABELS = 16_384  # of a classifier
MAX_MATRIX_LABELS = 1000  # an evaluation of more classes has no confusion matrix: it would have a number for each pair
MAX_MISTAKES = 500  # that an evaluation keeps with their images
