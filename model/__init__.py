"""The model package: load, predict, publish."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from model.errors import ModelError, TrazoError

if TYPE_CHECKING:
    from model.cnn import CnnModel
    from model.config import CnnConfig

__version__ = "0.1.0"
__all__ = ["CnnConfig", "CnnModel", "ModelError", "TrazoError"]

_MODULES = {"CnnConfig": "model.config", "CnnModel": "model.cnn"}


def __getattr__(name: str) -> Any:
    """Import TensorFlow, which takes seconds, only when a name that needs it is used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'model' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
