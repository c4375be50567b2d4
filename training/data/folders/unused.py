"""Files of a folder that `datasets` leaves out without a word, because their names fit no split."""

import os
from collections.abc import Collection, Iterable

from training.data.folders import kinds
from training.data.folders.listing import Listing
from training.data.folders.report import FolderReport, LeftOutCounter


def report_unused(used: Iterable[str], endings: Collection[str], listing: Listing) -> FolderReport | None:
    """Report the data files and images of a folder that no split uses.

    Args:
        used: paths or addresses of the files that some split of some config uses.
        endings: of the files that are read here.
        listing: of the folder, or of a repo on the Hub.

    Returns:
        the report; None if all are used, or if it is open which are: the files of further configs are not looked up.
    """
    known = {os.path.realpath(path) for path in used}
    if not known <= {os.path.realpath(file.path) for file in listing.files}:
        return None
    counter = LeftOutCounter()
    for file in listing.files:
        suffix = kinds.ending(file.name)
        is_data = suffix in kinds.TABLES or suffix in kinds.IMAGES or kinds.is_archive(file.name)
        if is_data and os.path.realpath(file.path) not in known:
            counter.add(f"{suffix} files that belong to no split", file.relative)
    left_out = counter.result()
    if not left_out:
        return None
    decision = f"{' and '.join(sorted(endings))} files are read, as most of the folder is in them"
    return FolderReport(decision=decision, splits={}, left_out=left_out)
