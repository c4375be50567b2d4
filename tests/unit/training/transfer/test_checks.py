"""Options without a meaning are refused before anything is imported, read or rented, also at their defaults."""

import pytest

from training import verbs
from training.cli import main

HEAD, FINETUNED, MODEL = ["--backbone", "x/y"], ["--backbone", "x/y", "--finetune"], ["--start-from", "x/y"]


@pytest.mark.parametrize("machine", [[], ["--on", "cpu-basic", "--push-to", "me/pets"]], ids=["here", "rented"])
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([*HEAD, "--trials", "3", "--parallel", "2"], "--trials, --parallel"),
        ([*HEAD, "--minutes", "5"], "--minutes"),
        ([*FINETUNED, "--minutes", "5", "--objective", "macro_f1"], "--objective"),
        # The next ones are given as they are by default.
        ([*HEAD, "--parallel", "1"], "--parallel"),
        ([*FINETUNED, "--strategy", "bayesian"], "--strategy"),
        ([*MODEL, "--minutes", "5", "--worker-timeout", "60"], "--worker-timeout"),
    ],
)
def test_options_of_a_search_are_refused_without_one(tmp_path, capsys, arguments, names, machine):
    run = ["run", "--dataset", "nowhere/nothing", "--output", str(tmp_path / "run")]
    assert main([*run, *arguments, *machine]) == 2
    assert f"trazo: {names}: the network is that of x/y, and nothing is searched\n" == capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments", [["--trials", "3"], [*HEAD, "--seed", "0"], [*MODEL, "--seed", "1", "--minutes", "5"]]
)
def test_options_that_are_used_are_not_refused(tmp_path, monkeypatch, arguments):
    monkeypatch.setattr(verbs, "_import_step", lambda *_: lambda *_: None)
    assert main(["run", "--dataset", "nowhere/nothing", "--output", str(tmp_path / "run"), *arguments]) == 0
