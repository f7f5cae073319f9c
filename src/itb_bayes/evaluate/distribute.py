"""Many independent tasks on Dask: on this machine by default, on a cluster where one is named.

Dask is the extra ``distributed``. The tasks share one object, which is sent to each worker once and
stays there between tasks, with whatever it has compiled. It is the result of a task itself, so that
the scheduler makes it again where all workers that held it have died.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from itb_bayes.errors import UsageError
from itb_bayes.inference.threads import at_most

CONNECT_SECONDS = 10
_LARGE_IS_FINE = {"distributed.admin.large-graph-warning-threshold": "4GB"}


@dataclass(frozen=True)
class Workplace:
    """Where tasks run.

    Attributes
    ----------
    workers : int
        Processes of a local Dask cluster; 0 runs everything in this process, without Dask.
    scheduler : str
        Address of a running Dask scheduler; ``workers`` is then not used.
    """

    workers: int = 2
    scheduler: str = ""

    def __post_init__(self) -> None:
        """Refuse a number of workers that cannot be."""
        if self.workers < 0:
            raise UsageError(f"--workers must be 0 or more (got {self.workers}).")

    @property
    def in_process(self) -> bool:
        """Whether tasks run in this process."""
        return not self.scheduler and self.workers == 0


def run_tasks(
    function: Callable[[Any, int], Any], shared: Any, keys: Sequence[int], place: Workplace
) -> Iterator[tuple[int, Any]]:
    """Yield ``(key, function(shared, key))`` for every key, in the order they finish.

    Raises
    ------
    UsageError
        If Dask is asked for and not installed, no scheduler answers, or workers keep dying.
    """
    if place.in_process:
        for key in keys:
            yield key, function(shared, key)
        return
    distributed = _import_distributed()
    with ExitStack() as stack:
        stack.enter_context(import_module("dask").config.set(_LARGE_IS_FINE))
        client = _open_client(distributed, place, stack)
        everywhere = client.submit(_itself, shared, pure=False)
        client.replicate([everywhere])
        task = function if place.scheduler else partial(_on_one_core, function)
        futures = {client.submit(task, everywhere, key, pure=False): key for key in keys}
        try:
            finished = distributed.as_completed(list(futures), loop=client.loop, with_results=True)
            for future, result in finished:
                yield futures.pop(future), result
                future.release()
        except distributed.KilledWorker:
            raise UsageError(
                "a Dask worker died several times over one task, most likely for want of memory; "
                "use fewer --workers, or --workers 0. What was finished is kept."
            ) from None


def _itself(shared: Any) -> Any:
    return shared


def _on_one_core(function: Callable[[Any, int], Any], shared: Any, key: int) -> Any:
    """Run a task in one thread: local workers share the cores of this machine among them."""
    with at_most(1):
        return function(shared, key)


def _import_distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError:
        raise UsageError(
            "Dask is not installed, and this runs on it: pip install 'itb-bayes[distributed]'. "
            "With --workers 0 everything runs in this process, without Dask."
        ) from None
    return distributed


def _open_client(distributed: Any, place: Workplace, stack: ExitStack) -> Any:
    if place.scheduler:
        try:
            # As a default, one that could not connect would stay behind for others to stumble on.
            client = distributed.Client(
                place.scheduler, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError):
            raise UsageError(
                f"no Dask scheduler answers at {place.scheduler}; start one with `dask scheduler`, "
                "or leave --scheduler out to run on this machine."
            ) from None
        return stack.enter_context(client)
    cluster = distributed.LocalCluster(
        n_workers=place.workers,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    )
    stack.enter_context(cluster)
    return stack.enter_context(distributed.Client(cluster, set_as_default=False))
