"""Faults, delivery, repair, and what the residual volume shows of them."""

import numpy as np
import pytest

from itb_bayes.simulate import load_settings
from itb_bayes.simulate.device import (
    FAR_DAY,
    Device,
    Fault,
    catheter_fault_day,
    make_fault,
    pump_fault_day,
)
from itb_bayes.simulate.person import DAYS_PER_YEAR, draw_person
from itb_bayes.simulate.reservoir import Reservoir

SETTINGS = load_settings("base")


def _device(seed: int = 0) -> Device:
    """Return a device on which no fault begins by itself."""
    rng = np.random.default_rng(seed)
    device = Device(SETTINGS, draw_person(SETTINGS, 0, rng), rng)
    device.catheter_due = device.pump_due = FAR_DAY
    device.pump_accuracy = 1.0
    return device


def _residual_excess(part: str) -> float:
    device = _device()
    device.faults.append(Fault(part, "abrupt", 0, 0.3, 1.0, 30.0, 0.0))
    reservoir = Reservoir(SETTINGS.visit, 20.0, 200.0, np.random.default_rng(0))
    reservoir.run(device, 0, 60, 200.0)
    entry = reservoir.aspirate(60)
    assert entry.expected_ml == pytest.approx(
        20 - 60 * 200 / reservoir.concentration_ug_ml, abs=0.1
    )
    return entry.actual_ml - entry.expected_ml


def test_a_catheter_leak_does_not_change_the_residual_volume() -> None:
    assert abs(_residual_excess("catheter")) <= 0.6


def test_a_pump_that_under_delivers_leaves_drug_behind() -> None:
    assert _residual_excess("pump") > 5.0


def test_both_parts_cut_delivery() -> None:
    device = _device()
    assert device.patency(10) == 1.0
    device.faults.append(Fault("catheter", "abrupt", 5, 0.5, 1.0, 30.0, 0.0))
    device.faults.append(Fault("pump", "abrupt", 5, 0.4, 1.0, 30.0, 0.0))
    assert device.patency(10) == pytest.approx(0.2)
    assert device.pumped(10) == pytest.approx(0.4)
    assert device.patency(4) == 1.0


def test_a_gradual_fault_grows_to_its_floor_and_repair_ends_it() -> None:
    rng = np.random.default_rng(1)
    fault = make_fault(SETTINGS.catheter, "catheter", 100, rng, "gradual", 0.3)
    shares = [fault.passes(day) for day in range(90, 1000)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0
    assert shares[-1] == pytest.approx(0.3)
    device = _device()
    device.faults.append(fault)
    assert device.repair("pump", 900) is False
    assert device.repair("catheter", 900) is True
    assert fault.found
    assert device.patency(900) == 1.0
    assert device.patency(899) == pytest.approx(0.3)


def test_an_intermittent_fault_comes_and_goes() -> None:
    fault = make_fault(
        SETTINGS.catheter, "catheter", 0, np.random.default_rng(1), "intermittent", 0.2
    )
    shares = [fault.passes(day) for day in range(400)]
    assert set(shares) == {0.2, 1.0}
    blocked = shares.count(0.2) / len(shares)
    assert 0.4 < blocked < 0.75


def test_elective_replacement_resets_the_age_of_the_pump() -> None:
    device = _device()
    due = device.replacement_due
    assert 5.0 <= due / DAYS_PER_YEAR <= 7.0
    fault = make_fault(SETTINGS.pump, "pump", due - 10, np.random.default_rng(2), "abrupt")
    device.faults.append(fault)
    device.replace_pump(due)
    assert fault.end_day == due
    assert not fault.found
    assert device.replacement_due > due + 5 * DAYS_PER_YEAR - 1


def test_explant_ends_faults_and_stops_the_clock() -> None:
    device = _device()
    device.faults.append(Fault("catheter", "abrupt", 5, 0.5, 1.0, 30.0, 0.0))
    device.end_faults(50)
    assert device.faults[0].end_day == 50
    assert device.next_onset() == FAR_DAY


def test_catheter_hazard_matches_its_settings() -> None:
    rng = np.random.default_rng(11)
    days = np.array([catheter_fault_day(SETTINGS.catheter, False, 0, rng) for _ in range(20_000)])
    years = days / DAYS_PER_YEAR
    assert np.mean(years < 1 / 12) == pytest.approx(1 - np.exp(-0.015), abs=0.003)
    assert np.mean(years < 1) == pytest.approx(1 - np.exp(-0.015 - 0.045 * 11 / 12), abs=0.006)
    beyond = years[years >= 1] - 1
    assert 1 / beyond.mean() == pytest.approx(0.025, rel=0.05)


def test_pump_hazard_is_weibull_by_age() -> None:
    rng = np.random.default_rng(12)
    years = np.array([pump_fault_day(SETTINGS.pump, 0, rng) for _ in range(20_000)]) / DAYS_PER_YEAR
    share = SETTINGS.pump.failed_by_six_years.value
    assert np.mean(years < 6) == pytest.approx(share, abs=0.006)
    # shape 2.5: far fewer than half of those by six years fail by three
    assert np.mean(years < 3) < 0.35 * share


def test_a_hazard_of_zero_never_fires() -> None:
    skoog = load_settings("skoog2019")
    rng = np.random.default_rng(1)
    assert catheter_fault_day(skoog.catheter, True, 0, rng) == FAR_DAY
    assert pump_fault_day(skoog.pump, 0, rng) == FAR_DAY


def test_a_raised_dose_brings_the_refill_forward() -> None:
    reservoir = Reservoir(SETTINGS.visit, 20.0, 100.0, np.random.default_rng(0))
    due = reservoir.due_day
    reservoir.see_dose(0, 400.0)
    assert reservoir.due_day < due
