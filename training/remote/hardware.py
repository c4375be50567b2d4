"""What machines can be rented, and what one costs for a run."""

import math
from dataclasses import dataclass

from huggingface_hub import HfApi, JobHardwareInfo

from model.errors import TrazoError
from model.io.hub_errors import translate_service_errors

SERVICE = "Hugging Face Jobs"
START_MINUTES = 10.0  # an assumption: to find a machine, install the packages, read the data, measure and publish
SPARE_FACTOR = 1.5  # of the minutes of search and training, before the machine is ended
MINUTES_OF = {"second": 1 / 60, "minute": 1.0, "hour": 60.0}  # what a price may be for


@dataclass(frozen=True)
class Estimate:
    """Time and price of a run on a machine.

    Attributes:
        minutes: about as long as it takes.
        limit_minutes: after which the machine is ended.
        usd_per_minute: its price; None if the Hub gives it for an unknown unit.
    """

    minutes: float
    limit_minutes: int
    usd_per_minute: float | None


def choose_hardware(name: str, api: HfApi) -> JobHardwareInfo:
    """Return a machine by its name.

    Raises:
        TrazoError: if there is none; with those that there are, and their prices.
    """
    with translate_service_errors(SERVICE):
        offered = api.list_jobs_hardware()
    for one in offered:
        if one.name == name:
            _check_accelerator(one)
            return one
    listed = ", ".join(f"{one.name} ({one.unit_cost_usd:.3g} USD a {one.unit_label})" for one in offered)
    raise TrazoError(f"--on {name}: no such machine can be rented; there are {listed}")


def _check_accelerator(hardware: JobHardwareInfo) -> None:
    """Refuse what TensorFlow's packages do not run on: it would train on the processor, at the accelerator's price."""
    found = hardware.accelerator
    if found and not (found.type == "gpu" and found.manufacturer.lower() == "nvidia"):
        raise TrazoError(
            f"--on {hardware.name} has an accelerator ({found.manufacturer} {found.model}), which TensorFlow does not "
            "use here: take a machine with an Nvidia GPU, or without an accelerator"
        )


def estimate(hardware: JobHardwareInfo, minutes: float) -> Estimate:
    """Return time and price of a run whose search and training take this long (`--minutes`)."""
    unit = MINUTES_OF.get(hardware.unit_label)
    rate = None if unit is None else hardware.unit_cost_usd / unit
    return Estimate(minutes + START_MINUTES, math.ceil(SPARE_FACTOR * minutes + 2 * START_MINUTES), rate)


def describe(hardware: JobHardwareInfo, minutes: float) -> str:
    """Return what is rented, for how long, and what it costs, in one paragraph."""
    found, gpu = estimate(hardware, minutes), hardware.accelerator
    parts = [
        hardware.cpu,
        hardware.ram,
        *([f"{gpu.quantity} × {gpu.manufacturer} {gpu.model}, {gpu.vram}"] if gpu else []),
    ]
    about, most = f"{found.minutes:.0f} minutes", f"{found.limit_minutes} minutes"
    if found.usd_per_minute is None:
        cost = f"{hardware.unit_cost_usd:.3g} USD a {hardware.unit_label}"
    else:
        cost = f"{found.usd_per_minute:.3g} USD a minute"
        about += f" ({found.usd_per_minute * found.minutes:.2f} USD)"
        most += f" ({found.usd_per_minute * found.limit_minutes:.2f} USD)"
    return (
        f"{hardware.name}: {', '.join(parts)}; {cost}. Search and training take {minutes:g} minutes, the whole run "
        f"about {about}; the machine is ended after {most} at the latest."
    )
