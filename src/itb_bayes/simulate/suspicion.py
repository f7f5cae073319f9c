"""What makes a clinician suspect a device fault or tolerance: only what was seen at visits."""

import math

from itb_bayes.simulate.history import RefillEntry
from itb_bayes.simulate.schema import WorkupPart

_LOOK_BACK_DAYS = 365
_RETEST_DAYS = 60
_CLEAN_DAYS = 540
_MANAGE_AGAIN_DAYS = 730


class Suspicion:
    """The clinician's memory of one patient."""

    def __init__(self, rules: WorkupPart) -> None:
        self._rules = rules
        self._seen: list[tuple[int, float, float]] = []
        self.discrepant = False
        self.testing = False
        self.negative_tests = 0
        self._last_test = self._last_negative = self.managed_on = -_CLEAN_DAYS * 10
        self.changed_mode_on: int | None = None

    def see_refill(self, entry: RefillEntry) -> None:
        """Compare the residual volume with the expected one; only an excess counts."""
        over = entry.actual_ml - entry.expected_ml
        pumped = max(entry.reservoir_ml - entry.expected_ml, 0.1)
        rules = self._rules
        self.discrepant = (
            over > rules.discrepancy_ml.value and over / pumped > rules.discrepancy_share.value
        )

    def see_reading(self, day: int, excess: float, dose_ug: float) -> None:
        """Remember tone above the goal and the dose it was read under."""
        self._seen.append((day, excess, dose_ug))

    def is_raised(self, day: int, since_day: int) -> bool:
        """Say whether the record since `since_day` (titration) calls for a cause to be sought."""
        if self.discrepant:
            return True
        if day < since_day:
            return self._lost_again()
        first = max(day - _LOOK_BACK_DAYS, since_day)
        recent = [item for item in self._seen if item[0] >= first]
        if len(recent) < 2:
            return False
        last, last_two = recent[-1][1], min(recent[-1][1], recent[-2][1])
        rules = self._rules
        if last >= rules.single_excess.value or last_two >= rules.sudden_excess.value:
            return True
        rise = math.log(recent[-1][2] / recent[0][2])
        futile = last_two >= rules.futile_excess.value and rise >= rules.futile_log_rise.value
        return futile or rise >= rules.steep_log_rise.value

    def _lost_again(self) -> bool:
        """During titration: say whether tone that had come down is back, twice over."""
        if len(self._seen) < 3:
            return False
        best = min(excess for _, excess, _ in self._seen)
        last_two = min(self._seen[-1][1], self._seen[-2][1])
        return last_two - best >= self._rules.single_excess.value

    def may_test(self, day: int) -> bool:
        """Say whether a new work-up is open: none under way, none lately."""
        wait = _RETEST_DAYS * (1 + 1.5 * self.negative_tests)
        return not self.testing and day - self._last_test > wait

    def test_done(self, day: int, *, clean: bool) -> None:
        """Note the end of a work-up."""
        self.testing, self._last_test, self.discrepant = False, day, False
        if clean:
            self.negative_tests += 1
            self._last_negative = day

    def tested_clean(self, day: int, times: int) -> bool:
        """Say whether device faults were lately ruled out, `times` over, as far as tests can."""
        return (
            not self.testing
            and self.negative_tests >= times
            and day - self._last_negative < _CLEAN_DAYS
            and day - self.managed_on > _MANAGE_AGAIN_DAYS
        )

    def clear(self, day: int) -> None:
        """Forget: the cause was found and dealt with."""
        self._seen, self.discrepant, self.testing = [], False, False
        self.negative_tests, self._last_test = 0, day
