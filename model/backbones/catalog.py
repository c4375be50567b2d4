"""The backbones that can be built, by the name of their architecture in timm."""

from collections.abc import Callable
from functools import cache

from model.backbones.architecture import Architecture
from model.backbones.efficientnet_lite import efficientnet_lite0
from model.backbones.resnet import resnet18

_MAKERS: dict[str, Callable[[], Architecture]] = {"efficientnet_lite0": efficientnet_lite0, "resnet18": resnet18}
NAMES = tuple(_MAKERS)


@cache
def get_architecture(name: str) -> Architecture:
    """Return the architecture of this name, one of `NAMES`."""
    return _MAKERS[name]()
