"""`python -m tests.support.import_tuner`: fails if importing the tuner changes anything in KerasTuner."""

from keras_tuner.src import config, utils
from keras_tuner.src.distribute import oracle_client
from keras_tuner.src.engine import conditions


def state() -> tuple:
    """Return what `kerastuner_compat.configure` changes."""
    return utils.save_json, utils.load_json, config.DEBUG, oracle_client.TIMEOUT, vars(conditions).get("print")


if __name__ == "__main__":
    before = state()
    import training.tuning.tuner  # noqa: F401

    assert state() == before
