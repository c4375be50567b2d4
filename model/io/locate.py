"""Find a model's folder and config, and check them without TensorFlow, which takes seconds to import."""

import os
from collections.abc import Callable
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
    return _check(lambda: (source, "") if source.is_dir() else _download(str(source), revision, token))


def _check(find: Callable[[], tuple[Path, str]]) -> tuple[Path, CnnConfig]:
    """Return a folder and its config, checked; `find` returns the folder, and what to do if a file in it is damaged."""
    remedy = ""
    try:
        folder, remedy = find()
        check_folder(folder)
        config = CnnConfig.from_file(folder / CONFIG_FILE)
        check_weights(config, folder / WEIGHTS_FILE)
    except (TrazoError, OSError) as error:
        raise ModelError(f"{error}; {remedy}" if remedy else str(error)) from None
    return folder, config


def locate_on_hub(
    repo: str, token: str | bool | None = None, cache: Path | None = None, max_bytes: int | None = None
) -> tuple[Path, CnnConfig]:
    """Return the folder and the config of a model on the Hub, checked like those of `locate_model`.

    Args:
        repo: `owner/name`; a folder of this name is not looked at.
        token: as huggingface_hub takes it; False for what everybody may read.
        cache: the folder that receives the files; None for the Hub's own cache.
        max_bytes: of the weights; a larger model is refused before they are downloaded.

    Raises:
        ModelError: if something is missing, damaged or too large.
    """
    from model.io.hub import check_at_most, check_model, download

    check = check_model if max_bytes is None else check_at_most(max_bytes)
    return _check(lambda: download(repo, None, token, check, cache=cache))


def _download(repo: str, revision: str | None, token: str | bool | None) -> tuple[Path, str]:
    from model.io.hub import download  # huggingface_hub reads the environment, which programs set up before

    return download(repo, revision, token)
