"""Whether people may draw for a network."""

from model.config import CnnConfig


def takes_drawings(config: CnnConfig, learned_drawings: bool) -> bool:
    """Return whether users draw for this network: it takes gray images, and of things that people draw.

    That is the case if all labels are single letters or digits (classes without names are numbers), or if the model
    learned from free drawings. Images of clothes are gray too, but cut out and scaled like drawings, they would be
    unlike all images of the training.

    Args:
        config: of the network.
        learned_drawings: whether free drawings are among its training data (`--sketches`).

    Example:
        >>> takes_drawings(CnnConfig(labels=("cat", "house")), learned_drawings=False)
        False
    """
    are_characters = all(len(label) == 1 and label.isalnum() for label in config.labels)
    return config.image_shape[2] == 1 and (are_characters or learned_drawings)
