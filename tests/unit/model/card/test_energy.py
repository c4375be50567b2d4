"""Energy and emissions on the card: what is known, with what is assumed; nothing is invented."""

import pytest

from model.card.card import render_card
from model.card.energy import Electricity, emissions, energy_kwh, energy_sentence
from model.config import CnnConfig
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport
from tests.support.run_reports import TRAINING, TRIALS

T4 = {"gpus": "Tesla T4", "gpu_watts": 70.0}


def training(seconds: float = 3600.0, **environment) -> TrainingReport:
    return TrainingReport.build(**TRAINING | {"seconds": seconds, "environment": environment})


def test_energy_kwh_is_time_times_power_of_cores_and_gpus():
    assert energy_kwh(training(cores=4), None) == pytest.approx(0.048)
    assert energy_kwh(training(cores=4, **T4), None) == pytest.approx(0.118)
    trials = TrialsReport.parse(TRIALS, "trials.json")
    assert energy_kwh(training(cores=4), trials) == pytest.approx(48 * (3600 + 5 * 12.5) / 3.6e6)


@pytest.mark.parametrize("environment", [{}, {"cores": "many"}, {"cores": 0}, {"cores": 4, "gpus": "of another maker"}])
def test_energy_of_an_unknown_machine_is_not_estimated(environment):
    report = training(**environment)
    text = energy_sentence(report, None, Electricity(230))
    assert text == "Training took 60 minutes. The power of the machine is not known, so its energy is not estimated."
    assert emissions(report, None, Electricity(230)) is None


def test_energy_sentence_states_its_assumptions():
    text = energy_sentence(training(cores=4, **T4), TrialsReport.parse(TRIALS, "trials.json"), None)
    for part in (
        "the search's 5 trials 62 seconds",
        "12 W for each of 4 cores, and 70 W, the limit",
        "nothing was measured",
    ):
        assert part in text
    assert "Emissions are not stated" in text


def test_emissions_need_the_intensity_of_a_grid():
    report = training(cores=4)
    assert "co2_eq_emissions" not in render_card(CnnConfig(), report).data.to_dict()
    card = render_card(CnnConfig(), report, electricity=Electricity(230, "a `place`"))
    fields = card.data.to_dict()["co2_eq_emissions"]
    assert fields["emissions"] == pytest.approx(11.0, abs=0.05) and fields["geographical_location"] == "a `place`"
    assert fields["training_type"] == "pre-training" and fields["hardware_used"] == "4 cores"
    assert "With 230 g of CO₂e per kWh (a \\`place\\`), as the publisher gives them: 11 g of CO₂e." in str(card)
