"""The model package: load, predict, publish."""

from model.cnn import CnnModel
from model.config import CnnConfig
from model.errors import ModelError, TrazoError

__all__ = ["CnnConfig", "CnnModel", "ModelError", "TrazoError"]
