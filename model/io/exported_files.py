"""exports.json: which other formats of a run's weights lie next to them, and whether they still match."""

from hashlib import sha256
from pathlib import Path

from model.artifacts import EXPORTS_FILE, LABELS_FILE
from model.errors import TrazoError
from model.io.files import read_file
from model.io.reports.exports import ExportsReport
from model.io.weights import matches_weights


def read_exports(folder: Path) -> ExportsReport | None:
    """Return exports.json if it describes the weights in this folder, else None.

    Raises:
        CorruptFileError: if it is damaged.
    """
    report = ExportsReport.read(folder / EXPORTS_FILE)
    return report if report and matches_weights(report.weights_sha256, folder) else None


def exported_files(folder: Path) -> list[str]:
    """Return exports.json and the files it names if they belong to the weights in this folder, else an empty list.

    Raises:
        TrazoError: if one of them is missing or is not the file that was checked.
    """
    report = read_exports(folder)
    if report is None:
        return []
    for name, one in report.formats.items():
        content = read_file(folder, one.file)
        if content is None or sha256(content).hexdigest() != one.sha256:
            path = folder / one.file
            raise TrazoError(f"{path} is not what was exported: `python -m training export {folder} --to {name}` again")
    labels = [LABELS_FILE] if read_file(folder, LABELS_FILE) is not None else []  # older exports have none
    return [EXPORTS_FILE, *labels, *(one.file for one in report.formats.values())]
