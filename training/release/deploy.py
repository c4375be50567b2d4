"""Deploy the demo of a published model: to a Space in one commit, or locally from the same folder."""

import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceCard, SpaceCardData
from huggingface_hub.errors import HfHubHTTPError

from model.artifacts import CARD_FILE, CONFIG_FILE
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.io.hub import DOWNLOADED_FILES, log_files
from model.io.hub_errors import translate_hub_errors
from model.io.locate import locate_model
from training.release.links import link_space

ROOT = Path(__file__).parents[2]
CARD_TEMPLATE = Path(__file__).with_name("space.md")
APP = "app.py"
CODE = (APP, "model", "ui")  # what a Space runs
REQUIREMENTS = "requirements.txt"  # where a Space looks for it
DEMO_REQUIREMENTS = ROOT / "ui" / "requirements.txt"
CODE_SUFFIXES = (".py", ".typed", ".json", ".md", ".txt", ".css", ".js", ".svg", ".png", ".jpg", ".safetensors", ".h5")
SPACE_FILES = {*CODE, REQUIREMENTS, CARD_FILE}
VENV = ".venv"

logger = logging.getLogger("trazo")


def deploy(
    repo_id: str,
    model: str,
    *,
    revision: str | None = None,
    private: bool | None = None,
    output: Path | None = None,
    token: str | None = None,
) -> str:
    """Create or update a Space in one commit; its variable MODEL_ID names the model, whose card then links it.

    A token is never passed on to the Space: if the model is private, the user gives the Space a secret.

    Args:
        repo_id: `owner/name` of the Space.
        model: `owner/name` of a published model.
        revision: branch, tag or commit of the model that the Space stays at; None for the main branch's newest commit.
        private: whether a new Space is private; None for the account's default.
        output: folder that receives the Space's files; None to keep no copy.
        token: as in huggingface_hub.

    Returns:
        the Space's address.

    Raises:
        TrazoError: if the model does not exist, the token is missing or insufficient, someone else committed meanwhile,
            or the Hub cannot be reached.
    """
    if Path(model).is_dir():
        raise TrazoError(f"{model!r} is a folder, which a Space cannot see: publish it first, or serve it with --local")
    snapshot, _ = locate_model(model, revision, token)
    commit = snapshot.name if revision else None  # the cache names a snapshot by its commit
    with tempfile.TemporaryDirectory() as temporary:
        folder = output or Path(temporary) / "space"
        names = [name for name in (CONFIG_FILE, *DOWNLOADED_FILES) if (snapshot / name).is_file()]
        assemble(folder, model, names, commit)
        address = _upload(folder, repo_id, {"MODEL_ID": model, "MODEL_REVISION": commit or ""}, private, token)
    link_space(model, repo_id, token)
    return address


def serve(model: str, revision: str | None, folder: Path) -> None:
    """Assemble a Space's folder here, install its requirements into a virtual environment, and become its demo.

    Args:
        model: a Hub id, or a folder.
        revision: of a Hub id.
        folder: where; a folder of an earlier call is updated, and its environment is kept if it still fits.

    Raises:
        TrazoError: if the model does not exist, the folder holds something else, or the installation fails.
    """
    locate_model(model, revision)
    is_local = Path(model).is_dir()
    assemble(folder, None if is_local else model, [], revision)
    python = _install_requirements(folder)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"MODEL_ID": str(Path(model).resolve()) if is_local else model, "MODEL_REVISION": revision or ""}
    sys.stdout.flush()
    os.chdir(folder)
    os.execve(python, [str(python), APP], environment)


def assemble(folder: Path, model: str | None, names: list[str], revision: str | None = None) -> None:
    """Write the folder of a Space: app, ui, model, their requirements, and the README that configures it.

    Args:
        folder: where to write.
        model: `owner/name` that the README names; None for a model that is not on the Hub.
        names: the model's files, which the Space downloads before it starts.
        revision: the model's commit, or None for the newest.

    Raises:
        TrazoError: if the folder holds something that was not written here.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name not in SPACE_FILES | {VENV} or (path.is_symlink() and path.name != VENV):
            raise TrazoError(f"{folder} holds {path.name}, which does not belong to a Space: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in CODE:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=_not_code)
        else:
            shutil.copyfile(source, target)
    shutil.copyfile(DEMO_REQUIREMENTS, folder / REQUIREMENTS)
    atomic_write(folder / CARD_FILE, _space_card(model, names, revision))


def _not_code(folder: str, names: list[str]) -> list[str]:
    """Return what is not copied: links, hidden files, and files of kinds that the packages do not have."""
    paths = {name: Path(folder, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if name.startswith(".")
        or name == "__pycache__"
        or path.is_symlink()
        or not (path.is_dir() or (path.is_file() and path.suffix in CODE_SUFFIXES))
    ]


def _space_card(model: str | None, names: list[str], revision: str | None) -> str:
    preload = " ".join(filter(None, [model, ",".join(names), revision])) if names else None
    data = SpaceCardData(
        title=(model or "Trazo").split("/")[-1],
        emoji="✏️",
        colorFrom="indigo",
        colorTo="yellow",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=".".join(platform.python_version_tuple()[:2]),
        app_file=APP,
        short_description="Draw, and see what a CNN makes of it",
        models=[model] if model else None,
        preload_from_hub=[preload] if preload else None,
        tags=["trazo", "keras", "image-classification"],
    )
    return str(SpaceCard.from_template(data, template_path=str(CARD_TEMPLATE), model=model, revision=revision)) + "\n"


# --- The Hub ---


def _upload(
    folder: Path, repo_id: str, variables: dict[str, str], private: bool | None, token: str | bool | None
) -> str:
    """Commit the folder's files and set the variables; return the Space's address."""
    api = HfApi(token=token)
    paths = [path for name in sorted(SPACE_FILES) for path in _files_under(folder / name)]
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    with translate_hub_errors(repo_id, repo_type="space"):
        initial = [{"key": key, "value": value} for key, value in variables.items() if value]
        is_new = True
        try:
            address = api.create_repo(
                repo_id, repo_type="space", space_sdk="gradio", private=private, space_variables=initial
            )
        except HfHubHTTPError as error:
            if error.response is None or error.response.status_code != 409:  # 409: it exists
                raise
            address, is_new = api.create_repo(repo_id, repo_type="space", space_sdk="gradio", exist_ok=True), False
        repo_id = address.repo_id
        parent = api.space_info(repo_id)
        # Delete only what an earlier version of our packages left, not the owner's files.
        existing = {sibling.rfilename for sibling in parent.siblings or []}
        stale = [name for name in sorted(existing - files.keys()) if name.split("/")[0] in CODE]
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(name, path) for name, path in files.items()),
            *(CommitOperationDelete(name) for name in stale),
        ]
        log_files(repo_id, operations)
        api.create_commit(
            repo_id, operations, commit_message="Deploy the demo", repo_type="space", parent_commit=parent.sha
        )
        if not is_new:
            _set_variables(api, repo_id, variables)
    return str(address)


def _set_variables(api: HfApi, repo_id: str, variables: dict[str, str]) -> None:
    """Set the variables that differ; delete those with an empty value."""
    existing = {key: variable.value for key, variable in api.get_space_variables(repo_id).items()}
    for key, value in variables.items():
        if value and existing.get(key) != value:
            api.add_space_variable(repo_id, key, value)
        elif not value and key in existing:
            api.delete_space_variable(repo_id, key)


def _files_under(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]


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
