"""Simulated cohorts in parts, made by as many processes as there are workers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from itb_bayes.cohort.metadata import Metadata
from itb_bayes.cohort.partitions import Partitions, PartitionWriter
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.distribute import Workplace, run_tasks
from itb_bayes.simulate.partitions import simulate_part
from itb_bayes.simulate.schema import Settings


@dataclass(frozen=True)
class _Making:
    """What every worker needs to make a part."""

    settings: Settings
    size: int
    writer: PartitionWriter


def make_partitions(
    settings: Settings,
    out: Path,
    patients_per_part: int,
    place: Workplace,
    on_part: Callable[[int, int], None] | None = None,
) -> Partitions:
    """Simulate a cohort in parts; goes on from parts that are there.

    Workers write into ``out``, which all of them must see under the same path. The patients are
    those of :func:`itb_bayes.simulate.simulate_cohort`, whatever the size of a part and whoever
    makes it.

    Parameters
    ----------
    settings : Settings
    out : Path
    patients_per_part : int
    place : Workplace
    on_part : callable, optional
        Called with the parts done and all parts.

    Raises
    ------
    UsageError
        If the size of a part is no size, ``out`` cannot be used, or Dask fails.
    """
    if patients_per_part < 1:
        raise UsageError(f"--patients-per-part must be 1 or more (got {patients_per_part}).")
    total, part = settings.cohort.patients.value, settings.cohort
    n_parts = -(-total // patients_per_part)
    metadata = Metadata(part.name, part.description, synthetic=True)
    identity = {"settings": settings.model_dump(mode="json"), "size": patients_per_part}
    writer = PartitionWriter(out.absolute(), metadata, n_parts, identity)
    missing = writer.missing()
    making = _Making(settings, patients_per_part, writer)
    for done, _ in enumerate(run_tasks(_make, making, missing, place), start=1):
        if on_part is not None:
            on_part(n_parts - len(missing) + done, n_parts)
    return Partitions.open(out)


def _make(making: _Making, number: int) -> None:
    first = number * making.size
    last = min(first + making.size, making.settings.cohort.patients.value)
    making.writer.write(number, *simulate_part(making.settings, first, last))
