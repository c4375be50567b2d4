"""What a training shows while it runs."""

import logging
from types import TracebackType
from typing import Self

from tqdm import tqdm

from training.loop.state import Progress

logger = logging.getLogger("trazo")


class EpochBar:
    """A progress bar over the batches of one epoch. It is shown on a terminal only."""

    def __init__(self, progress: Progress, epochs: int, steps: int, verbose: bool) -> None:
        """Start at the progress's batch; without `verbose` nothing is shown."""
        title = epoch_title(progress.epoch + 1, epochs)
        hidden = None if verbose else True  # None: hidden unless the output is a terminal
        self._bar = tqdm(total=steps, initial=progress.batch, desc=title, unit="batch", leave=False, disable=hidden)

    def __enter__(self) -> Self:
        """Return the bar."""
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove the bar from the terminal."""
        self._bar.close()

    def update(self, progress: Progress) -> None:
        """Move on by one batch."""
        loss, _, rows = progress.sums
        self._bar.set_postfix(loss=f"{loss / max(rows, 1):.4f}", refresh=False)
        self._bar.update()


def log_epoch(progress: Progress, epochs: int) -> None:
    """Log the last epoch of the history in one line."""
    row = progress.history[-1]
    values = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "epoch")
    logger.info("%s  %s", epoch_title(progress.epoch, epochs), values)


def epoch_title(epoch: int, epochs: int) -> str:
    """Return what an epoch, from 1, is called."""
    return f"epoch {epoch}/{epochs}"
