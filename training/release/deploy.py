"""Deploy the demo of a published model: to a Space in one commit, or locally from the same folder."""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from model.artifacts import CONFIG_FILE, HUB_ID
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.io.hub import DOWNLOADED_FILES
from model.io.hub_errors import translate_hub_errors
from model.io.locate import locate_model
from training.config import DeployConfig
from training.release.links import link_space
from training.release.space_files import APP, REQUIREMENTS, VENV, assemble, read_datasets
from training.release.space_hub import SpaceSettings, follow_build, upload

MCP = {"GRADIO_MCP_SERVER": "True"}  # the demo's endpoints as tools, unless the Space's owner switches them off
TOKEN = "HF_TOKEN"  # the secret with which the demo reads its model
LOCAL_FOLDER = Path("runs/space")

logger = logging.getLogger("trazo")


def deploy(config: DeployConfig, token: str | None = None) -> str:
    """Create or update a Space in one commit; its variable MODEL_ID names the model, whose card then links it.

    No token is passed on to the Space unless it is named as a secret.

    Args:
        config: which model, which Space, and what it gets; `repo` is set.
        token: as in huggingface_hub.

    Returns:
        the address of the demo; that of the Space's page with `no_wait`.

    Raises:
        TrazoError: if the model does not exist, the token is missing or insufficient, someone else committed meanwhile,
            the Hub cannot be reached, or the Space cannot be built or started.
    """
    assert config.repo
    if Path(config.model).is_dir():
        raise TrazoError(
            f"{config.model!r} is a folder, which a Space cannot see: publish it first, or serve it with --local"
        )
    secrets = read_secrets(config.secret, os.environ)
    snapshot, _ = locate_model(config.model, config.revision, token)
    commit = snapshot.name if config.revision else None  # the cache names a snapshot by its commit
    variables = {"MODEL_ID": config.model, "MODEL_REVISION": commit or ""}
    if config.models:  # else those that the owner may have set stay
        variables["MODELS"] = ",".join(config.models)
    settings = SpaceSettings(variables, MCP, secrets, config.hardware, config.private or None)
    api = HfApi(token=token)
    is_open = _is_open(api, config.model)
    if not is_open:
        _check_token(api, config, secrets)
    with tempfile.TemporaryDirectory() as temporary:
        folder = config.output or Path(temporary) / "space"
        # A build fetches files without the Space's secrets: those of a closed model are read when the demo starts.
        names = [name for name in (CONFIG_FILE, *DOWNLOADED_FILES) if is_open and (snapshot / name).is_file()]
        repo_id = config.repo if HUB_ID.fullmatch(config.repo) else None
        assemble(folder, config.model, names, commit, datasets=read_datasets(snapshot), repo_id=repo_id)
        repo_id, committed = upload(api, folder, config.repo, settings)
    link_space(config.model, repo_id, token)
    page = f"{api.endpoint}/spaces/{repo_id}"
    return page if config.no_wait else follow_build(api, repo_id, committed)


def _is_open(api: HfApi, model: str) -> bool:
    """Return whether everybody may read a model."""
    with translate_hub_errors(model):
        found = api.model_info(model)
    return not found.private and not found.gated


def _check_token(api: HfApi, config: DeployConfig, secrets: Mapping[str, str]) -> None:
    """Refuse a Space that could not read its model.

    Raises:
        TrazoError: if it neither has nor gets a token.
    """
    assert config.repo
    if TOKEN in secrets:
        return
    with translate_hub_errors(config.repo, repo_type="space"):
        try:
            if HUB_ID.fullmatch(config.repo) and TOKEN in api.get_space_secrets(config.repo):
                return
        except RepositoryNotFoundError:  # it will be made
            pass
    raise TrazoError(
        f"{config.model} is private or gated, and the Space could not read it: add --secret {TOKEN}=…, with a token "
        "that may read it and nothing else"
    )


def read_secrets(given: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of `--secret NAME=VALUE`, or `--secret NAME`, whose value is that of the variable here.

    Raises:
        TrazoError: if there is no such variable, or a name is not one. No value is in the message.

    Example:
        >>> read_secrets(["HF_TOKEN", "KEY=a=b"], {"HF_TOKEN": "hf_x"})
        {'HF_TOKEN': 'hf_x', 'KEY': 'a=b'}
    """
    secrets = {}
    for one in given:
        name, has_value, value = one.partition("=")
        if not name.isidentifier():
            raise TrazoError("--secret takes NAME or NAME=VALUE, where NAME is letters, digits and _")
        if not has_value and not environ.get(name):
            raise TrazoError(f"--secret {name}: {name} is not set here; set it, or write {name}=VALUE")
        secrets[name] = value if has_value else environ[name]
    return secrets


def serve(config: DeployConfig) -> None:
    """Assemble a Space's folder here, install its requirements into a virtual environment, and become its demo.

    Args:
        config: which model and which others; a folder of an earlier call is updated, and its environment is kept if it
            still fits.

    Raises:
        TrazoError: if the model does not exist, the folder holds something else, or the installation fails.
    """
    model, revision, folder = config.model, config.revision, config.output or LOCAL_FOLDER
    locate_model(model, revision)
    is_local = Path(model).is_dir()
    assemble(folder, None if is_local else model, [], revision)
    python = _install_requirements(folder)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment = MCP | environment
    environment |= {"MODEL_ID": str(Path(model).resolve()) if is_local else model, "MODEL_REVISION": revision or ""}
    if config.models:
        environment["MODELS"] = ",".join(config.models)
    sys.stdout.flush()
    os.chdir(folder)
    os.execve(python, [str(python), APP], environment)


# --- This machine ---


def _install_requirements(folder: Path) -> Path:
    """Install the folder's requirements into its virtual environment unless they are there; return its Python."""
    venv = folder.resolve() / VENV
    python, stamp = venv / "bin" / "python", venv / "installed.txt"
    requirements = (folder / REQUIREMENTS).read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == requirements:
        return python
    logger.info("installing what the demo needs into %s; this takes some minutes the first time", venv)
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q", "-r", str(folder / REQUIREMENTS)],
    ]
    for command in commands:
        if subprocess.run(command).returncode:
            raise TrazoError(f"the demo's environment could not be made: `{' '.join(command)}` failed, see above")
    atomic_write(stamp, requirements)
    return python
