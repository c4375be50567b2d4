"""A published model -> its demo: the folder of a Space, uploaded in one commit, or served on this machine."""

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

from model.artifacts import CARD_FILE
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.io.hub_errors import translate_hub_errors
from model.io.locate import locate_model

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).with_name("space.md")
PARTS = ("app.py", "model", "ui")
REQUIREMENTS = "requirements.txt"
TRAINING_ONLY = "# Training only"  # the line of requirements.txt after which nothing is of use to the demo
MADE = {*PARTS, REQUIREMENTS, CARD_FILE}
ENVIRONMENT = ".venv"


def deploy(
    repo_id: str,
    model: str,
    *,
    revision: str | None = None,
    private: bool | None = None,
    output: Path | None = None,
    token: str | None = None,
) -> str:
    """Make the Space, or renew it, in one commit; it shows the model by its variable MODEL_ID.

    A token that a private model needs is never passed on: the person gives it to the Space as a secret.

    Args:
        repo_id: `owner/name` of the Space.
        model: `owner/name` of a published model.
        revision: branch, tag or commit of the model, which the Space then keeps to; None for the main branch's newest.
        private: whether a Space that is made now is private; None as the account's settings say.
        output: where the folder is left; None for nowhere.
        token: as huggingface_hub takes it.

    Returns:
        the Space's address.

    Raises:
        TrazoError: in one line: no such model, no token or right, another's commit in between, no network.
    """
    if Path(model).is_dir():
        raise TrazoError(f"{model!r} is a folder, which a Space cannot see: publish it first, or serve it with --local")
    snapshot, _ = locate_model(model, revision, token)
    commit = snapshot.name if revision else None  # the cache names a snapshot by its commit
    with tempfile.TemporaryDirectory() as temporary:
        folder = output or Path(temporary) / "space"
        assemble(folder, model, sorted(path.name for path in snapshot.iterdir()), commit)
        return _upload(folder, repo_id, {"MODEL_ID": model, "MODEL_REVISION": commit or ""}, private, token)


def serve(model: str, revision: str | None, folder: Path) -> None:
    """Make the folder of a Space here, install what it asks for into an environment of its own, and become its demo.

    Args:
        model: a Hub id, or a folder.
        revision: of a Hub id.
        folder: where; one that an earlier call made is renewed, and its environment is kept while it still fits.

    Raises:
        TrazoError: in one line: no such model, a folder that holds something else, an installation that failed.
    """
    locate_model(model, revision)
    here = Path(model).is_dir()
    assemble(folder, None if here else model, [], revision)
    python = _environment(folder)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"MODEL_ID": str(Path(model).resolve()) if here else model, "MODEL_REVISION": revision or ""}
    sys.stdout.flush()
    os.chdir(folder)
    os.execve(python, [str(python), PARTS[0]], environment)


def assemble(folder: Path, model: str | None, names: list[str], revision: str | None = None) -> None:
    """Write the folder of a Space: app, ui, model, their requirements, and the README that configures it.

    Args:
        folder: where.
        model: `owner/name` that the README names; None for a model that is on no Hub.
        names: of the model's files, to be there before the Space starts.
        revision: the model's commit, or None for the newest.

    Raises:
        TrazoError: when the folder holds something that was not written here.
    """
    strange = sorted({path.name for path in folder.iterdir()} - MADE - {ENVIRONMENT}) if folder.is_dir() else []
    if strange:
        raise TrazoError(f"{folder} holds {strange[0]}, which is no part of a Space: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copyfile(source, target)
    atomic_write(folder / REQUIREMENTS, demo_requirements((ROOT / REQUIREMENTS).read_text()))
    atomic_write(folder / CARD_FILE, _card(model, names, revision))


def demo_requirements(text: str) -> str:
    """Return the part of a requirements.txt that the demo needs: what stands above `TRAINING_ONLY`."""
    demo, mark, _ = text.partition(TRAINING_ONLY)
    if not mark:
        raise TrazoError(f"{REQUIREMENTS} has no line {TRAINING_ONLY!r}: what the demo needs cannot be told")
    return demo.rstrip() + "\n"


def _card(model: str | None, names: list[str], revision: str | None) -> str:
    preload = " ".join(filter(None, [model, ",".join(names), revision])) if names else None
    data = SpaceCardData(
        title=(model or "Trazo").split("/")[-1],
        emoji="✏️",
        colorFrom="indigo",
        colorTo="yellow",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=".".join(platform.python_version_tuple()[:2]),
        app_file=PARTS[0],
        short_description="Draw, and see what a CNN makes of it",
        models=[model] if model else None,
        preload_from_hub=[preload] if preload else None,
        tags=["trazo", "keras", "image-classification"],
    )
    return str(SpaceCard.from_template(data, template_path=str(TEMPLATE), model=model, revision=revision)) + "\n"


# --- The Hub ---


def _upload(
    folder: Path, repo_id: str, variables: dict[str, str], private: bool | None, token: str | bool | None
) -> str:
    api = HfApi(token=token)
    made = [path for name in sorted(MADE) for path in _files(folder / name)]
    ours = {path.relative_to(folder).as_posix(): path for path in made}
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(name, path) for name, path in ours.items()
    ]
    with translate_hub_errors(repo_id, repo_type="space"):
        given = [{"key": key, "value": value} for key, value in variables.items() if value]
        new = True
        try:
            address = api.create_repo(
                repo_id, repo_type="space", space_sdk="gradio", private=private, space_variables=given
            )
        except HfHubHTTPError as error:
            if error.response is None or error.response.status_code != 409:
                raise
            address, new = api.create_repo(repo_id, repo_type="space", space_sdk="gradio", exist_ok=True), False
        repo_id = address.repo_id
        parent = api.space_info(repo_id)
        # Of a renewed Space only what an earlier version of these packages left is taken away.
        old = {sibling.rfilename for sibling in parent.siblings or []}
        stale = [name for name in sorted(old - ours.keys()) if name.split("/")[0] in PARTS]
        operations += [CommitOperationDelete(name) for name in stale]
        api.create_commit(
            repo_id, operations, commit_message="Deploy the demo", repo_type="space", parent_commit=parent.sha
        )
        if not new:
            _set_variables(api, repo_id, variables)
    return str(address)


def _set_variables(api: HfApi, repo_id: str, wanted: dict[str, str]) -> None:
    known = {key: variable.value for key, variable in api.get_space_variables(repo_id).items()}
    for key, value in wanted.items():
        if value and known.get(key) != value:
            api.add_space_variable(repo_id, key, value)
        elif not value and key in known:
            api.delete_space_variable(repo_id, key)


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


# --- This machine ---


def _environment(folder: Path) -> Path:
    """Return the Python of the folder's own environment, installed now unless it holds these requirements already."""
    home = folder.resolve() / ENVIRONMENT
    python, stamp = home / "bin" / "python", home / "installed.txt"
    wanted = (folder / REQUIREMENTS).read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"installing what the demo needs into {home}; it takes some minutes once", flush=True)
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q", "-r", str(folder / REQUIREMENTS)],
    ]
    for command in commands:
        if subprocess.run(command).returncode:
            raise TrazoError(f"the demo's environment could not be made: `{' '.join(command)}` failed, see above")
    atomic_write(stamp, wanted)
    return python
