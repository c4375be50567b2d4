"""The import of the tuner, in a process that is forked for it with `run_forked`."""

import sys
from typing import Any


def state() -> tuple[Any, ...]:
    """Return what `kerastuner_compat.configure` changes."""
    from keras_tuner.src import config, utils
    from keras_tuner.src.distribute import oracle_client
    from keras_tuner.src.engine import conditions

    return utils.save_json, utils.load_json, config.DEBUG, oracle_client.TIMEOUT, vars(conditions).get("print")


def import_again() -> int:
    """Import KerasTuner and the tuner as in a fresh process; return 1 if the second changes the first."""
    for name in [*sys.modules]:
        if name.split(".")[0] in ("keras_tuner", "model", "training"):
            del sys.modules[name]
    before = state()
    import training.tuning.tuner  # noqa: F401

    return int(state() != before)
