"""The resolved specification of a regimes model."""

from itb_bayes.spec.base import Strict
from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.terms import CentreSpec, Switch

CHANNELS = ("ashworth", "spasms", "dose", "refills", "tests", "events", "labels", "neuro")
"""Kinds of evidence, in the order in which they are shown."""


class ChannelsSpec(Strict):
    """Which kinds of evidence the model reads; "auto": those that the cohort has.

    Attributes
    ----------
    ashworth : str
        Mean Ashworth score of a visit, on the 0-4 scale.
    spasms : str
        Penn spasm frequency score.
    dose : str
        Dose changes: the titration policy, and a reading in place of one that was not written.
    refills : str
        Residual volume at refills.
    tests : str
        Dye study, aspiration, rotor study.
    events : str
        Confirmed faults, and that none was confirmed so far.
    labels : str
        What the clinic wrote down: tolerance, progression, a trigger.
    neuro : str
        Changes of the EDSS.
    """

    ashworth: Switch
    spasms: Switch
    dose: Switch
    refills: Switch
    tests: Switch
    events: Switch
    labels: Switch
    neuro: Switch


class RegimesSpec(ModelSpec):
    """A regimes model: the terms of `ModelSpec`'s kind ``regimes``.

    Attributes
    ----------
    channels, centre
        Term settings.
    """

    channels: ChannelsSpec
    centre: CentreSpec
