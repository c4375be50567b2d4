"""Settings of a search that are refused before anything runs."""

import pytest

from model.errors import TrazoError
from tests.conftest import SAMPLE
from training.cli import main
from training.config import TrainConfig, TuneConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "hyperband", "trial_epochs": 2}, "give 3 or more, not 2"),
        ({"trial_steps": 0}, "trial_steps must be a whole number of at least 1, not 0"),
        ({"max_params": 0}, "max_params must be a whole number of at least 1, not 0"),
        ({"minutes": 0}, "minutes must be a number above 0, not 0"),
        ({"worker_timeout": float("nan")}, "worker_timeout must be a number above 0, not nan"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967294, not -1"),
        ({"seed": 2**32 - 1}, "not 4294967295"),
    ],
)
def test_tune_config_impossible_search_is_refused(settings, message):
    with pytest.raises(TrazoError, match=message):
        TuneConfig(**settings)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_train_config_seed_out_of_range_is_refused(seed, tmp_path, capsys):
    with pytest.raises(TrazoError, match=f"seed must be a whole number from 0 to 4294967295, not {seed}"):
        TrainConfig(seed=seed)
    assert main(["tune", "--dataset", SAMPLE, "--output", str(tmp_path), "--seed", str(seed)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
