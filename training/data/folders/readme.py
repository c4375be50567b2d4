"""What the README of a dataset says about it: its front matter, which anyone may have written."""

from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import metadata_load

MAX_README_BYTES = 1 << 20


class ReadmeTooLongError(ValueError):
    """A README that is not read."""


def read_front_matter(path: Path) -> dict[str, Any]:
    """Return the front matter of a README, or what a file in YAML says; empty if there is none that can be read.

    YAML may name one value many times, or in itself: what walks through the values must look at each only once.

    Raises:
        ReadmeTooLongError: if the file has more than `MAX_README_BYTES`.
    """
    try:
        if not path.is_file():
            return {}
        if (size := path.stat().st_size) > MAX_README_BYTES:
            raise ReadmeTooLongError(f"{path} has {size:,} bytes; at most {MAX_README_BYTES:,} are read")
        found = metadata_load(path) if path.suffix == ".md" else yaml.safe_load(path.read_bytes())
    except ReadmeTooLongError:
        raise
    except (OSError, ValueError, TypeError, yaml.YAMLError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
