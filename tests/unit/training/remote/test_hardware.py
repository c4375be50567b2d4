"""Price and time of a rented machine."""

import pytest
from huggingface_hub import JobHardwareInfo

from tests.support.fake_hub.jobs import HARDWARE
from training.remote.hardware import describe, estimate

CPU, T4 = (JobHardwareInfo(**one) for one in HARDWARE[:2])


def test_describe_says_what_it_costs_and_at_most():
    assert describe(T4, 30) == (
        "t4-small: 4 vCPU, 15 GB, 1 × Nvidia T4, 16 GB; 0.00667 USD a minute. Search and training take 30 minutes, the "
        "whole run about 40 minutes (0.27 USD); the machine is ended after 65 minutes (0.43 USD) at the latest."
    )


@pytest.mark.parametrize(("unit", "usd"), [("minute", 0.0005), ("hour", 0.0005 / 60), ("second", 0.03)])
def test_estimate_follows_the_unit_of_the_price(unit, usd):
    hardware = JobHardwareInfo(**HARDWARE[0] | {"unitLabel": unit})
    assert estimate(hardware, 30).usd_per_minute == pytest.approx(usd)


def test_describe_of_a_price_for_an_unknown_unit_gives_it_as_it_is():
    text = describe(JobHardwareInfo(**HARDWARE[0] | {"unitLabel": "job"}), 30)
    assert "0.0005 USD a job" in text and "minutes (" not in text
