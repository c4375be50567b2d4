"""Find a model's folder and config, and check them without TensorFlow, which takes seconds to import."""

import os
from pathlib import Path

from model.artifacts import CONFIG_FILE, WEIGHTS_FILE
from model.config import CnnConfig
from model.errors import ModelError, TrazoError
from model.io.files import check_folder
from model.io.weights import check_weights

PRETRAINED = Path(__file__).parents[1] / "pretrained"


def locate_model(
    name: str | os.PathLike | None = None, revision: str | None = None, token: str | bool | None = None
) -> tuple[Path, CnnConfig]:
    """Return a model's folder and its config, with everything checked except the values of the weights.

    Args:
        name: a folder, a Hub id `owner/name`, or None for the bundled model.
        revision: branch, tag or commit of the Hub repo; resolved once, all files are read at that commit.
        token: as huggingface_hub takes it.

    Raises:
        ModelError: if something is missing or damaged; one line says what and where.
    """
    source = PRETRAINED if name is None else Path(name)
    remedy = ""
    try:
        folder, remedy = (source, "") if source.is_dir() else _download(str(source), revision, token)
        check_folder(folder)
        config = CnnConfig.from_file(folder / CONFIG_FILE)
        check_weights(config, folder / WEIGHTS_FILE)
    except (TrazoError, OSError) as error:
        raise ModelError(f"{error}; {remedy}" if remedy else str(error)) from None
    return folder, config


def _download(repo: str, revision: str | None, token: str | bool | None) -> tuple[Path, str]:
    from model.io.hub import download  # huggingface_hub reads the environment, which programs set up before

    return download(repo, revision, token)
