"""The folder of a Space: the demo's packages, the versions they were tested with, the README that configures it."""

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from huggingface_hub import ModelCard, SpaceCard, SpaceCardData
from packaging.requirements import Requirement
from packaging.version import Version

from model.artifacts import CARD_FILE, HUB_ID
from model.errors import TrazoError
from model.io.atomic import atomic_write

ROOT = Path(__file__).parents[2]
CARD_TEMPLATE = Path(__file__).with_name("space.md")
APP = "app.py"
CODE = (APP, "model", "ui")  # what a Space runs
REQUIREMENTS = "requirements.txt"  # where a Space looks for it
DEMO_REQUIREMENTS = (ROOT / "ui" / "requirements.txt", ROOT / "ui" / "server" / "requirements.txt")
THUMBNAIL = "ui/static/thumbnail.png"  # what a link to the Space shows elsewhere
CODE_SUFFIXES = (".py", ".typed", ".json", ".md", ".txt", ".css", ".js", ".svg", ".png", ".jpg", ".safetensors", ".h5")
SPACE_FILES = {*CODE, REQUIREMENTS, CARD_FILE}
VENV = ".venv"
HUB = "https://huggingface.co"  # the Hub shows the thumbnail by an address, not by a file's name


def assemble(
    folder: Path,
    model: str | None,
    names: list[str],
    revision: str | None = None,
    *,
    datasets: list[str] | None = None,
    repo_id: str | None = None,
) -> None:
    """Write the folder of a Space: app, ui, model, their requirements, and the README that configures it.

    Args:
        folder: where to write.
        model: `owner/name` that the README names; None for a model that is not on the Hub.
        names: the model's files, which the Space downloads before it starts.
        revision: the model's commit, or None for the newest.
        datasets: that the model was trained on, on the Hub.
        repo_id: of the Space, if it is known.

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
    lists = "".join(path.read_text(encoding="utf-8") for path in DEMO_REQUIREMENTS)
    atomic_write(folder / REQUIREMENTS, pin_versions(lists))
    card = _card_data(model, names, revision, datasets, repo_id)
    text = SpaceCard.from_template(card, template_path=str(CARD_TEMPLATE), model=model, revision=revision)
    atomic_write(folder / CARD_FILE, f"{text}\n")


def read_datasets(snapshot: Path) -> list[str]:
    """Return the datasets on the Hub that a model's card names; none if it has no card, or one that is damaged."""
    try:
        named = ModelCard.load(snapshot / CARD_FILE).data.datasets
    except Exception:  # anyone may have written the card, in any way
        return []
    names = named if isinstance(named, list) else []
    return [name for name in names if isinstance(name, str) and HUB_ID.fullmatch(name)]


def pin_versions(requirements: str) -> str:
    """Return a list of requirements with the versions that are installed here, which the demo was tested with.

    A package that is not installed here, and one whose version no registry has for everyone (a local or a pre-release
    one), keeps its range.

    Args:
        requirements: one for each line, and comments.

    Example:
        >>> pin_versions("# What it needs.\\nnot-installed>=2\\n")
        '# What it needs.\\nnot-installed>=2\\n'
    """
    return "".join(f"{_pin(line)}\n" for line in requirements.splitlines())


def _pin(line: str) -> str:
    if not line.strip() or line.startswith("#"):
        return line
    wanted = Requirement(line)
    try:
        installed = Version(version(wanted.name))
    except PackageNotFoundError:
        return line
    if installed.local or installed.is_prerelease or installed not in wanted.specifier:
        return line
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return f"{wanted.name}{extras}=={installed}"


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


def _card_data(
    model: str | None, names: list[str], revision: str | None, datasets: list[str] | None, repo_id: str | None
) -> SpaceCardData:
    preload = " ".join(filter(None, [model, ",".join(names), revision])) if names else None
    return SpaceCardData(
        title=(model or "Trazo").split("/")[-1],
        emoji="✏️",
        colorFrom="indigo",
        colorTo="yellow",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=".".join(platform.python_version_tuple()[:2]),
        app_file=APP,
        short_description="See how a CNN recognizes an image, and learned to",
        thumbnail=f"{HUB}/spaces/{repo_id}/resolve/main/{THUMBNAIL}" if repo_id else None,
        models=[model] if model else None,
        datasets=datasets or None,
        preload_from_hub=[preload] if preload else None,
        tags=["trazo", "keras", "image-classification", "education", "mcp-server"],
    )
