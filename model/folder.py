"""Where a model is: its folder and its config, found and checked without TensorFlow, which takes seconds to import."""

import os
from pathlib import Path

from safetensors import SafetensorError, safe_open

from model import files
from model.config import CnnConfig
from model.errors import ModelError, TrazoError
from model.hub import download

PRETRAINED = Path(__file__).parent / "pretrained"


def find(
    name: str | os.PathLike | None = None, revision: str | None = None, token: str | bool | None = None
) -> tuple[Path, CnnConfig]:
    """Return a model's folder and its config; of the weights only the size is checked, the rest when they are loaded.

    Args:
        name: a folder, a Hub id `owner/name`, or None for the bundled model.
        revision: branch, tag or commit of the Hub repo; resolved once, all files are read at that commit.
        token: as huggingface_hub takes it.

    Raises:
        ModelError: in one line, what is missing or damaged and where.
    """
    source = PRETRAINED if name is None else Path(name)
    try:
        folder = source if source.is_dir() else download(str(source), revision, token)
        files.check_complete(str(folder), (path.name for path in folder.iterdir() if path.is_file()))
        config = CnnConfig.from_file(folder / files.CONFIG)
        check_size(config, folder / files.WEIGHTS)
    except ModelError:
        raise
    except (TrazoError, OSError) as error:
        raise ModelError(str(error)) from None
    return folder, config


def check_size(config: CnnConfig, path: Path) -> None:
    """Refuse a config whose network is larger than the file of its weights, before memory is taken for it.

    Raises:
        ModelError: so, or when the file is missing or no safetensors.
    """
    try:
        with safe_open(path, framework="numpy"):  # its header against its size
            size = path.stat().st_size
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
    if size < 4 * config.kernel_parameters:
        raise ModelError(
            f"{path} does not match config.json, which asks for {config.kernel_parameters:,} or more float32: "
            f"it has {size:,} bytes"
        )
