"""The pump's reservoir: what should be left at a refill, and what is."""

import numpy as np

from itb_bayes.simulate.device import Device
from itb_bayes.simulate.history import RefillEntry
from itb_bayes.simulate.schema import VisitPart


class Reservoir:
    """Volume bookkeeping between refills.

    A pump that under-delivers leaves more behind than expected; a leaking catheter does not,
    because the drug has left the pump.
    """

    def __init__(
        self, rules: VisitPart, volume_ml: float, dose_ug: float, rng: np.random.Generator
    ) -> None:
        self._rules, self.volume_ml, self._rng = rules, volume_ml, rng
        self.concentration_ug_ml = rules.concentrations_ug_ml[0]
        self._programmed_ml = self._pumped_ml = 0.0
        self.fill(0, dose_ug)

    def fill(self, day: int, dose_ug: float) -> None:
        """Empty and refill; a stronger solution if the present one would not last."""
        rules = self._rules
        usable = self.volume_ml - rules.refill_reserve_ml.value
        for concentration in rules.concentrations_ug_ml:
            if concentration >= self.concentration_ug_ml:
                self.concentration_ug_ml = concentration
                if usable * concentration / dose_ug >= 0.8 * rules.refill_days.value:
                    break
        lasts = usable * self.concentration_ug_ml / (1.1 * dose_ug)
        self.due_day = day + int(max(min(rules.refill_days.value, lasts), 14))
        self._programmed_ml = self._pumped_ml = 0.0

    def see_dose(self, day: int, dose_ug: float) -> None:
        """Bring the next refill forward if a raised dose would empty the reservoir first."""
        usable = self.volume_ml - self._programmed_ml - self._rules.refill_reserve_ml.value
        lasts = max(usable, 0.0) * self.concentration_ug_ml / dose_ug
        self.due_day = min(self.due_day, day + max(int(lasts), 1))

    def run(self, device: Device, start_day: int, end_day: int, dose_ug: float) -> None:
        """Pump from `start_day` to `end_day` at a programmed dose."""
        days = end_day - start_day
        if days <= 0:
            return
        programmed = dose_ug * days / self.concentration_ug_ml
        middles = np.arange(start_day, end_day, 5)
        share = float(np.mean([device.pumped(float(day)) for day in middles]))
        self._programmed_ml += programmed
        self._pumped_ml += programmed * share * device.pump_accuracy

    def aspirate(self, day: int) -> RefillEntry:
        """Read the residual volume off the syringe."""
        expected = max(self.volume_ml - self._programmed_ml, 0.0)
        error = self._rng.uniform(-1.0, 1.0) * self._rules.syringe_ml.value
        actual = float(np.clip(self.volume_ml - self._pumped_ml + error, 0.0, self.volume_ml))
        return RefillEntry(day, round(expected, 1), round(actual, 1), self.volume_ml)
