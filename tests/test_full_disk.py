"""Writers on a disk that takes no more: a message, the old files, and nothing half-written.

The system itself refuses here: no file may grow beyond a few bytes, as on a disk with that much
room left.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import xarray as xr

from itb_bayes.cohort.metadata import Metadata
from itb_bayes.cohort.partitions import PartitionWriter
from itb_bayes.errors import UsageError
from itb_bayes.evaluate.calibration.store import CalibrationFolder
from itb_bayes.federate.combining import write_combined
from itb_bayes.federate.release import write_release
from itb_bayes.inference.bundle import write_dataset
from itb_bayes.registry.results import ResultFolder
from itb_bayes.report.folder import ReportFolder
from itb_bayes.simulate import folder as simulated
from itb_bayes.storage import write_whole

ROOM = 40
LONG = "x" * 10_000


@contextmanager
def little_room() -> Iterator[None]:
    """Let the system refuse whatever a file holds beyond a few bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _cohort(folder: Path) -> None:
    made = SimpleNamespace()
    simulated.write_cohort(made, folder / "cohort")  # type: ignore[arg-type]


def _report(folder: Path) -> None:
    ReportFolder.prepare(folder / "pages").write("index.html", LONG)


def _score(folder: Path) -> None:
    ResultFolder(folder / "scores", {}).keep(0, "digest", pd.DataFrame({"x": [LONG]}), {})


def _combination(folder: Path) -> None:
    found = SimpleNamespace(posterior=xr.Dataset({"x": ("draw", [0.0] * 1000)}))
    write_combined(found, folder / "combined")  # type: ignore[arg-type]


WRITERS = {
    "text": lambda folder: write_whole(folder / "a", LONG),
    "draws": lambda folder: write_dataset(xr.Dataset({"x": ("draw", [0.0] * 1000)}), folder / "a"),
    "simulate": _cohort,
    "report": _report,
    "scores": _score,
    "scores, first file": lambda folder: ResultFolder(folder / "scores", {"fit": LONG}),
    "parts": lambda folder: PartitionWriter(folder / "parts", Metadata(LONG), 1, {}),
    "calibration": lambda folder: CalibrationFolder(folder / "calibration", {"model": LONG}),
    "release": lambda folder: write_release(
        SimpleNamespace(to_json=lambda: LONG), folder / "north.json"  # type: ignore[arg-type]
    ),
    "combination": _combination,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_what_does_not_fit_is_said_and_not_left_half_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "render_files", lambda cohort: {"patients.csv": LONG})
    with little_room(), pytest.raises(UsageError, match="larger than this process may write"):
        WRITERS[name](tmp_path)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in left} <= {"_run.json", ".lock"}
    assert all(path.stat().st_size <= ROOM for path in left)


def test_a_folder_that_took_nothing_is_used_by_the_next_run(tmp_path: Path) -> None:
    for made in (
        lambda: ResultFolder(tmp_path / "scores", {"fit": LONG}),
        lambda: PartitionWriter(tmp_path / "parts", Metadata(LONG), 1, {}),
        lambda: CalibrationFolder(tmp_path / "calibration", {"model": LONG}),
    ):
        with little_room(), pytest.raises(UsageError, match="cannot write to"):
            made()
        made()
    assert {path.name for path in tmp_path.rglob("*.json")} == {
        "_run.json", "partitions.json", "run.json",
    }  # fmt: skip
