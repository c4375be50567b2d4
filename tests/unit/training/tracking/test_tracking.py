import logging
from typing import Any
from unittest.mock import Mock

import pytest

from model.errors import TrazoError
from training.config import TRACKERS as NAMES
from training.tracking import tracking
from training.tracking.run import RunLabel
from training.tracking.tracking import TRACKERS, Tracking, check_trackers

HISTORY = [{"epoch": epoch, "loss": 1 / epoch, "val_loss": None if epoch == 2 else 2.0} for epoch in range(1, 5)]


@pytest.fixture(params=NAMES)
def tracker(request, tmp_path, monkeypatch):
    """The name of a tracker, which writes to the test's folder; and what reads its runs: [(parameters, epochs)]."""
    if request.param == "trackio":
        pytest.importorskip("trackio", reason="trackio is not installed (training/tracking/requirements.txt)")
        from trackio import context_vars

        for module in ("utils", "sqlite_storage"):
            monkeypatch.setattr(f"trackio.{module}.TRACKIO_DIR", tmp_path / "trackio")
        yield request.param, _runs_of_trackio
        context_vars.current_run.set(None)
    elif request.param == "mlflow":
        mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed (training/tracking/requirements.txt)")
        mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
        yield request.param, _runs_of_mlflow
        mlflow.set_tracking_uri(None)
    else:
        yield request.param, _runs_of_tensorboard


def _runs_of_trackio(label):
    import trackio

    runs = [*trackio.Api().runs(label.project)]
    logs = [trackio.sqlite_storage.SQLiteStorage.get_logs(label.project, run.name) for run in runs]
    return [(run.config, {row["step"]: row["loss"] for row in rows}) for run, rows in zip(runs, logs, strict=True)]


def _runs_of_mlflow(label):
    import mlflow

    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(label.project)
    runs = client.search_runs([experiment.experiment_id])
    histories = [client.get_metric_history(run.info.run_id, "loss") for run in runs]
    return [(run.data.params, {one.step: one.value for one in rows}) for run, rows in zip(runs, histories, strict=True)]


def _runs_of_tensorboard(label):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    runs = []
    for folder in (label.folder / "tensorboard").iterdir():
        events = EventAccumulator(str(folder), {"tensors": 0}).Reload()
        start = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        losses = {one.step: float(tf.make_ndarray(one.tensor_proto)) for one in events.Tensors("loss")}
        runs.append((start.decode("latin-1"), losses))
    return runs


def test_tracking_resumed_after_a_kill_continues_the_same_run(tracker, tmp_path):
    name, read_runs = tracker
    label = RunLabel(tmp_path / "digits", "training", {"batch_size": 64, "filters": [8, 16], "steps": None})
    killed = Tracking((name,), label)
    killed.write(HISTORY[:1])
    killed.write(HISTORY[:2])
    with Tracking((name,), label) as resumed:
        resumed.write(HISTORY[:3])
        resumed.write(HISTORY)
    with Tracking((name,), label) as finished:
        finished.write(HISTORY)
    ((parameters, losses),) = read_runs(label)
    assert losses == pytest.approx({row["epoch"]: row["loss"] for row in HISTORY})
    assert "batch_size" in parameters and "[8, 16]" in str(parameters)


def test_tracking_that_starts_late_sends_all_epochs(tracker, tmp_path):
    name, read_runs = tracker
    label = RunLabel(tmp_path / "digits", "trial_3", {})
    with Tracking((name,), label) as tracked:
        tracked.write(HISTORY)
    assert sorted(read_runs(label)[0][1]) == [1, 2, 3, 4]


def test_tracker_that_fails_is_reported_once_and_gets_its_epochs_later(tmp_path, caplog):
    label = RunLabel(tmp_path, "training", {})
    (tmp_path / "tensorboard").touch()  # where its folder should be
    with caplog.at_level(logging.WARNING, "trazo"), Tracking(("tensorboard",), label) as tracked:
        tracked.write(HISTORY[:1])
        tracked.write(HISTORY[:2])
        (tmp_path / "tensorboard").unlink()
        tracked.write(HISTORY[:3])
    (message,) = caplog.messages
    assert message.startswith("tensorboard cannot be written: ") and "\n" not in message
    ((_, losses),) = _runs_of_tensorboard(label)
    assert sorted(losses) == [1, 2, 3]


def test_tracker_that_keeps_failing_is_tried_less_and_less_and_once_more_at_the_end(tmp_path, monkeypatch):
    tried, works = [], False

    def open_run(self: Any) -> Mock:
        tried.append(len(self._history))
        if not works:
            raise ConnectionError
        return run

    run = Mock()
    monkeypatch.setattr(tracking._Connection, "_open", open_run)
    monkeypatch.setattr(tracking._Connection, "_note", Mock())
    history = [{"epoch": number, "loss": 1.0} for number in range(1, 21)]
    with Tracking(("tensorboard",), RunLabel(tmp_path, "training", {})) as tracked:
        for count in range(1, 21):
            tracked.write(history[:count])
        works = True
    assert tried == [1, 3, 7, 15, 20]
    assert [call.args[0] for call in run.write.call_args_list] == [*range(1, 21)]


def test_check_trackers_without_the_package_gives_the_command(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "mlflow" else name)
    check_trackers(("trackio", "tensorboard"))
    with pytest.raises(TrazoError, match="^--track mlflow needs a package: `pip install mlflow`$"):
        check_trackers(("trackio", "mlflow"))


def test_trackers_are_those_of_the_option():
    assert {*TRACKERS} == {*NAMES}
