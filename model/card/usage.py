"""How to use a model, as its card says it: with Keras alone, with Trazo, and in other formats."""

from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING

from model.card.markdown import code, plain
from model.card.sentences import Rows, join_values
from model.config import CnnConfig
from model.pixel_format import PixelFormat
from model.words import counted

if TYPE_CHECKING:
    from model.io.reports.exports import ExportsReport, Quantization

PACKAGES = "pip install -U keras tensorflow huggingface_hub"  # that the example with Keras alone needs
REPOSITORY = "Repository, "  # begins the address that pyproject.toml declares under `urls`, in an installed package


def keras_source(repo_id: str | None) -> str:
    """Return what `keras.saving.load_model` loads."""
    return f"hf://{repo_id}" if repo_id else "the folder of this card"


def input_sentence(config: CnnConfig) -> str:
    """Return what goes into the network and what comes out."""
    output = {
        "multiclass": f"{len(config.labels)} probabilities, in the order of the labels",
        "binary": f"the probability of {code(config.labels[-1])}",
        "regression": "the number",
    }[config.task]
    return (
        f"`pixels` are float32 (n, {join_values(config.image_shape)}) from 0 to 255, as in the dataset's images;\n"
        f"the answer for each image is {output}.{_pixel_format_phrase(config)}"
    )


def _pixel_format_phrase(config: CnnConfig) -> str:
    """Return how pixels are made of the files, as far as it is not what everyone would do."""
    found, usual = config.pixel_format, PixelFormat()
    phrase = ""
    if found.white_level != usual.white_level:
        phrase += f"\nIn the dataset's 16-bit images {found.white_level} is white: it becomes 255."
    if found.background != usual.background:
        phrase += f"\nTransparency is placed on {'black' if found.background == 0 else f'gray {found.background}'}."
    return phrase


def abilities_sentence(config: CnnConfig, draws: bool) -> str:
    """Return what Trazo does around the network; `draws`: see `model.drawings`."""
    abilities = ["resizes images as in training"]
    if draws:
        abilities.append("prepares free drawings")
    if config.ood_threshold is not None:
        abilities.append("detects images unlike those of the training")
    *first, last = abilities
    return f"Trazo also {', '.join(first)}{' and ' if first else ''}{last}:"


def usage_lines(config: CnnConfig, draws: bool) -> list[str]:
    """Return the lines of the example with Trazo after the model is loaded; `draws`: see `model.drawings`."""
    lines = [f"cnn.predict(images)  # images of any size -> float32 (n, {len(config.labels)})"]
    if draws:
        lines.append("cnn.predict_sketch(drawings)  # free drawings of any size and polarity")
    return lines


def trazo_sentence() -> str:
    """Return how to get Trazo, as far as the installed package knows its address."""
    try:
        urls = metadata("trazo").get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    address = next((url.removeprefix(REPOSITORY) for url in urls if url.startswith(REPOSITORY)), None)
    if address:
        return f'`model` is a package of [Trazo]({address}): `pip install "trazo @ git+{address}"`.'
    return "`model` is a package of Trazo, which is not on PyPI: run `pip install .` in a clone of its repository."


def export_rows(exports: "ExportsReport") -> Rows:
    """Return (file, bytes, checked with, largest difference, cost of int8, time of an answer) of each export."""
    return [
        (
            f"`{one.file}`",
            f"{one.bytes:,}",
            f"{plain(one.runtime)}, on {counted(one.checked_on.rows, 'row')} of {code(one.checked_on.dataset)}, "
            f"{plain(one.checked_on.split)}",
            f"{one.largest_difference:.1e}",
            quantization_cost(one.quantization) if one.quantization else "none",
            f"{one.latency.milliseconds:.2g} ms" if one.latency else "",
        )
        for one in exports.formats.values()
    ]


def quantization_cost(found: "Quantization") -> str:
    """Return what the answers of an int8 network are worth compared with Keras's, in words."""
    changed = f"{counted(found.changed, 'other answer')}"
    if found.measure == "accuracy":
        return f"accuracy {found.exported:.2%} instead of {found.keras:.2%}, {changed}"
    return f"mean absolute error {found.exported:.4g} instead of {found.keras:.4g}"


def machines(exports: "ExportsReport") -> str:
    """Return where the times of the exports were measured, each machine once."""
    return ", ".join(dict.fromkeys(plain(one.latency.machine) for one in exports.formats.values() if one.latency))
