"""Pieces of work in threads: in order, each told once, errors passed on."""

import threading
import time

import pytest

from itb_bayes.inference.threads import available_cores, map_in_threads


def test_results_come_in_order_whoever_is_done_first():
    def work(k):
        time.sleep(0.002 * (5 - k))
        return k * k

    told = []
    assert map_in_threads(work, 6, told.append) == [0, 1, 4, 9, 16, 25]
    assert told == [1, 2, 3, 4, 5, 6]


def test_no_work_is_no_result():
    assert map_in_threads(lambda k: k, 0) == []


def test_progress_is_told_from_the_calling_thread():
    where = []
    map_in_threads(lambda k: k, 3, lambda done: where.append(threading.current_thread()))
    assert set(where) == {threading.current_thread()}


def test_an_error_ends_it():
    def work(k):
        if k == 1:
            raise ValueError("piece 1")
        return k

    with pytest.raises(ValueError, match="piece 1"):
        map_in_threads(work, 50)


def test_there_is_a_core(monkeypatch):
    assert available_cores() >= 1
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert available_cores() == 1
