"""Tasks on Dask: the same results as in this process, and errors that say what to do."""

import signal
import sys
import time
from pathlib import Path

import distributed
import psutil
import pytest
from tiny_experiment import TwoStates

from itb_bayes.errors import ModelError, UsageError
from itb_bayes.evaluate import distribute
from itb_bayes.evaluate.calibration.run import calibrate
from itb_bayes.evaluate.distribute import Workplace, run_tasks


def add(shared: int, key: int) -> int:
    if key < 0:
        raise ModelError("no such key")
    return shared + key


def test_in_this_process_in_order() -> None:
    assert list(run_tasks(add, 10, [3, 1], Workplace(0))) == [(3, 13), (1, 11)]
    assert list(run_tasks(add, 10, [], Workplace(0))) == []


@pytest.mark.parametrize(
    "workers",
    [1, pytest.param(2, marks=pytest.mark.slow)],
)
def test_worker_processes_give_the_numbers_of_this_one(workers: int, tmp_path: Path) -> None:
    for name, place in (("dask", Workplace(workers)), ("alone", Workplace(0))):
        calibrate(TwoStates(), tmp_path / name, replicates=24, place=place, quiet=True)
    assert (tmp_path / "dask/ranks.csv").read_bytes() == (tmp_path / "alone/ranks.csv").read_bytes()


def test_a_named_scheduler_is_used_and_errors_come_back(tmp_path: Path) -> None:
    import distributed

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        place = Workplace(scheduler=cluster.scheduler_address)
        assert dict(run_tasks(add, 10, [3, 1], place)) == {3: 13, 1: 11}
        with pytest.raises(ModelError, match="no such key"):
            dict(run_tasks(add, 10, [-1], place))


def test_no_scheduler_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribute, "CONNECT_SECONDS", 0.3)
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        list(run_tasks(add, 10, [1], Workplace(scheduler="tcp://127.0.0.1:9")))
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        list(run_tasks(add, 10, [1], Workplace(scheduler="nonsense:// 3")))
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_without_dask_the_message_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"itb-bayes\[distributed\].*--workers 0"):
        list(run_tasks(add, 10, [1], Workplace(2)))


def test_workers_that_keep_dying_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def dying(*args: object, **kwargs: object) -> object:
        raise distributed.KilledWorker("task", None, 3)

    monkeypatch.setattr(distributed, "as_completed", dying)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        pytest.raises(UsageError, match="a Dask worker died"),
    ):
        list(run_tasks(add, 1, [1], Workplace(scheduler=cluster.scheduler_address)))


def test_fewer_than_no_workers() -> None:
    with pytest.raises(UsageError, match="must be 0 or more"):
        Workplace(-1)


def linger(shared: int, key: int) -> int:
    time.sleep(0.3)
    return shared + key


@pytest.mark.slow
def test_workers_that_are_killed_lose_nothing() -> None:
    """Not even what they all shared: both are killed at once."""
    found = {}
    for key, value in run_tasks(linger, 10, range(8), Workplace(2)):
        if not found:
            for child in psutil.Process().children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGKILL)
        found[key] = value
    assert found == {key: 10 + key for key in range(8)}
