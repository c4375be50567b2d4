"""Which weights a normalization has, by the names of Keras."""

NORMALIZATION_WEIGHTS = {
    "none": (),
    "batch": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layer": ("gamma", "beta"),
}
NORMALIZATIONS = tuple(NORMALIZATION_WEIGHTS)
