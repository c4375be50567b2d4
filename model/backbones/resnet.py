"""ResNet-18: pairs of convolutions with a shortcut past each.

Source: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition".
"""

from model.backbones.architecture import Architecture, Block, Unit

FILTERS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2


def resnet18() -> Architecture:
    """Return the architecture: four stages with 960 feature maps, the last ones 32 times smaller than the image."""
    blocks = [Block("stem", (Unit("conv1", "bn1", FILTERS[0], 7, 2, "relu"),), ends_with_pooling=True)]
    for stage, filters in enumerate(FILTERS, 1):
        for number in range(BLOCKS_PER_STAGE):
            stride = 2 if stage > 1 and number == 0 else 1
            name = f"layer{stage}.{number}"
            units = (
                Unit(f"{name}.conv1", f"{name}.bn1", filters, 3, stride, "relu"),
                Unit(f"{name}.conv2", f"{name}.bn2", filters, 3),
            )
            smaller = (Unit(f"{name}.downsample.0", f"{name}.downsample.1", filters, 1, stride),)
            shortcut = smaller if stride > 1 else ()
            blocks.append(Block(name, units, shortcut, "relu", ends_stage=number == BLOCKS_PER_STAGE - 1))
    return Architecture("resnet18", tuple(blocks))
