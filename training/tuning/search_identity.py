"""What makes two searches the same one, so that a folder is never resumed with other data or settings."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model.errors import TrazoError
from model.heads import choose_objective
from model.io.atomic import write_json
from training.config import TRIAL_OPTIONS
from training.loop.checkpoint import describe_differences
from training.presets import Preset
from training.tuning.kerastuner_compat import HINT_RESTART, load_json
from training.tuning.oracles import INITIAL_RANDOM_TRIALS

if TYPE_CHECKING:
    from training.tuning.search_job import SearchJob

IDENTITY_FILE = "search.json"
CHANGEABLE = ("trials", "search_patience", "minutes", "worker_timeout", "parallel", "warm_start")


def check_identity(job: "SearchJob") -> None:
    """Write search.json next to KerasTuner's files, or compare it with the job if there is one.

    Raises:
        TrazoError: if the folder belongs to another search, with what differs; if search.json is missing or damaged.
    """
    path = job.folder / "tuner" / IDENTITY_FILE
    identity = json.loads(json.dumps(_identity(job)))
    if not path.exists() and not (path.parent / "oracle.json").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, identity)
    elif different := describe_differences(load_json(path), identity):
        raise TrazoError(f"{path.parent} belongs to another search ({different}); {HINT_RESTART}")


def _recipe(preset: Preset) -> dict[str, Any]:
    return {"architecture": preset.architecture, "training": preset.training}


def _identity(job: "SearchJob") -> dict[str, Any]:
    """Return everything besides the hyperparameters that a trial's score depends on.

    When the search ends, and how many workers it has, are not part of it: they may change between two calls.
    """
    train, validation = job.train, job.validation
    return {
        "data": {"train": train.key, "validation": validation.key, "window_rows": train.window_rows},
        "config": job.space.base,
        "training": {k: v for k, v in asdict(job.settings).items() if k not in TRIAL_OPTIONS},
        "overrides": sorted(job.space.overrides),
        "search": {k: v for k, v in asdict(job.tune).items() if k not in CHANGEABLE}
        | {"search": sorted({*job.tune.search})}  # in any order
        | {"objective": choose_objective(job.space.base["task"], job.tune.objective)[0]}  # by name or by default
        | ({"plan": list(dict.fromkeys(point["level"] for point in job.plan))} if job.plan else {})
        | ({"random_first": INITIAL_RANDOM_TRIALS} if job.tune.strategy == "bayesian" else {})
        | ({"presets": presets} if (presets := {k: _recipe(one) for k, one in job.space.presets.items()}) else {})
        | ({"known": known} if (known := [*job.starting_points.values()]) else {}),
    }
