"""What may be done to a patient's device or drug: operations and resets."""

from enum import IntFlag


class Action(IntFlag):
    """What was done at a step, after everything of that day was read."""

    CATHETER_CONFIRMED = 1
    PUMP_CONFIRMED = 2
    CATHETER_REVISED = 4
    PUMP_REPLACED = 8
    REIMPLANTED = 16
    RESET = 32


CATHETER_OPERATIONS = Action.CATHETER_CONFIRMED | Action.CATHETER_REVISED | Action.REIMPLANTED
PUMP_OPERATIONS = Action.PUMP_CONFIRMED | Action.PUMP_REPLACED | Action.REIMPLANTED
