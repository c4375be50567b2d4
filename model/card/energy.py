"""The time, the energy and the emissions of a training, as far as its report and its publisher know them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.card.markdown import plain
from model.words import counted

if TYPE_CHECKING:
    from model.io.reports.training import TrainingReport
    from model.io.reports.trials import TrialsReport

WATTS_PER_CORE = 12.0  # of an unknown processor at full load: the default of Green Algorithms
J_PER_KWH = 3.6e6
METHOD = "[Lannelongue, Grealey and Inouye 2021](https://doi.org/10.1002/advs.202100707)"


@dataclass(frozen=True)
class Electricity:
    """What the publisher knows of the electricity that a training used.

    Attributes:
        grams_per_kwh: g of CO2 equivalents that a kWh of it caused.
        place: where it was used, as the card names it.
    """

    grams_per_kwh: float
    place: str | None = None


@dataclass(frozen=True)
class Machine:
    """What is known of the power of the machine that a training ran on.

    Attributes:
        cores: that the system reports.
        gpus: their names; empty without any.
        gpu_w: their power limits together, W.
    """

    cores: int
    gpus: str
    gpu_w: float

    @property
    def power_w(self) -> float:
        """The power in W of its cores at full load, and of its GPUs at their limit."""
        return WATTS_PER_CORE * self.cores + self.gpu_w

    def describe(self) -> str:
        """Return its cores and GPUs."""
        return ", ".join(filter(None, (counted(self.cores, "core"), self.gpus)))


def find_machine(training: "TrainingReport") -> Machine | None:
    """Return the machine of a training; None if its cores, or the power of its GPUs, are not known."""
    about = training.environment
    cores, gpus, gpu_w = _positive(about.get("cores")), str(about.get("gpus") or ""), _positive(about.get("gpu_watts"))
    if cores is None or (gpus and gpu_w is None):
        return None
    return Machine(int(cores), gpus, gpu_w if gpus and gpu_w else 0.0)


def spent_s(training: "TrainingReport", trials: "TrialsReport | None") -> float:
    """Return the seconds of the training and of all trials together; trials at the same time count one by one."""
    return training.seconds + sum(trial.seconds or 0 for trial in trials.trials) if trials else training.seconds


def energy_kwh(training: "TrainingReport", trials: "TrialsReport | None") -> float | None:
    """Return the estimated energy in kWh; None if the machine is not known."""
    machine = find_machine(training)
    return None if machine is None else machine.power_w * spent_s(training, trials) / J_PER_KWH


def energy_sentence(training: "TrainingReport", trials: "TrialsReport | None", electricity: Electricity | None) -> str:
    """Return how long the training took, and an estimate of its energy with all that it assumes."""
    took = f"Training took {_duration(training.seconds)}"
    if trials and (of_trials := spent_s(training, trials) - training.seconds):
        took += f", the search's {counted(len(trials.trials), 'trial')} {_duration(of_trials)}"
    machine, energy = find_machine(training), energy_kwh(training, trials)
    if machine is None or energy is None:
        return f"{took}. The power of the machine is not known, so its energy is not estimated."
    power = f"{WATTS_PER_CORE:g} W for each of {counted(machine.cores, 'core')}"
    power += f", and {machine.gpu_w:g} W, the limit of its GPUs" if machine.gpus else ""
    text = (
        f"{took}. Estimated energy: {energy:.2g} kWh, at {power},\n"
        f"all of the time: the full load of an unknown processor in {METHOD}.\n"
        "Memory, cooling and the rest of the machine are not counted; nothing was measured."
    )
    if electricity is None:
        return f"{text} Emissions are not stated: they depend on the electricity."
    grams, place = energy * electricity.grams_per_kwh, f" ({plain(electricity.place)})" if electricity.place else ""
    return (
        f"{text}\nWith {electricity.grams_per_kwh:g} g of CO₂e per kWh{place}, as the publisher gives them: "
        f"{grams:.2g} g of CO₂e."
    )


def emissions(
    training: "TrainingReport", trials: "TrialsReport | None", electricity: Electricity | None
) -> dict[str, Any] | None:
    """Return `co2_eq_emissions` of a card's metadata; None unless the energy and its electricity are known."""
    machine, energy = find_machine(training), energy_kwh(training, trials)
    if machine is None or energy is None or electricity is None:
        return None
    fields = {
        "emissions": float(f"{energy * electricity.grams_per_kwh:.3g}"),  # g
        "source": "estimated from time and power (doi:10.1002/advs.202100707); g per kWh given by the publisher",
        "training_type": "fine-tuning" if training.starting_point else "pre-training",
        "hardware_used": machine.describe(),
    }
    return fields | ({"geographical_location": electricity.place} if electricity.place else {})


def _positive(value: object) -> float | None:
    """Return a number above 0 as it is, None for anything else."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else None


def _duration(seconds: float) -> str:
    for unit, of_unit in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * of_unit:
            return f"{seconds / of_unit:.3g} {unit}"
    return f"{seconds:.0f} seconds"
