"""One case: a cohort or a model file is made, damaged and read; the outcome is a word.

``read`` and ``refused`` are good ends. Everything else that comes out is a find: another exception,
a success that is wrong, or silence beyond the limit of time.
"""

import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from fuzz import damage, files, models, oracle, sheets
from fuzz.hostile import HOSTILE
from itb_bayes.cohort import Cohort
from itb_bayes.errors import CohortError, ItbBayesError, ModelError
from itb_bayes.spec import load_model

LIMIT_S = 60
WAIT_S = 900
KINDS = ("csv", "csv bytes", "parquet", "parquet bytes", "excel", "excel bytes", "model")


class TookTooLong(Exception):
    """A case went beyond its limit of time."""


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Attributes
    ----------
    kind : str
        What was generated.
    word : {"read", "refused", "find"}
    what : str
        What was done to it; for a find, also how it ended.
    """

    kind: str
    word: str
    what: str


def run_case(seed: int, number: int) -> Outcome:
    """Run the generated case of that number; the same seed and number give the same case."""
    rng = Random(f"{seed}/{number}")
    kind = KINDS[number % len(KINDS)]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        folder = Path(made) / "cohort"
        folder.mkdir()
        return _outcome(
            kind,
            lambda: (
                _model_case(rng, folder) if kind == "model" else _cohort_case(rng, folder, kind)
            ),
        )


def check_case(rng: Random, folder: Path, kind: str) -> tuple[str, str]:
    """Make one case in an empty folder and read it; raise whatever is a find."""
    return _model_case(rng, folder) if kind == "model" else _cohort_case(rng, folder, kind)


def run_hostile(number: int) -> Outcome:
    """Run one of the hostile cohorts of `fuzz.hostile`."""
    case = HOSTILE[number]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        return _outcome("hostile", lambda: _hostile_case(number, Path(made), case.name))


def _outcome(kind: str, act: Callable[[], tuple[str, str]]) -> Outcome:
    try:
        with _time_limit():
            word, what = act()
    except oracle.WrongSuccess as error:
        return Outcome(kind, "find", f"wrong success: {error}")
    # Whatever else comes out is what this program looks for.
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "itb_bayes" in f.filename]
        place = (
            f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
            if frames
            else "the fuzzer itself"
        )
        return Outcome(kind, "find", f"{type(error).__name__} in {place}: {str(error)[:200]}")
    return Outcome(kind, word, what)


def _cohort_case(rng: Random, folder: Path, kind: str) -> tuple[str, str]:
    made = sheets.generate(rng)
    done = damage.damage(rng, made) if rng.random() < 0.65 else []
    written = deepcopy(made)
    if kind.startswith("csv"):
        done.append(files.write_csv(rng, folder, made))
    elif kind.startswith("parquet"):
        done.append(files.write_parquet(rng, folder, made))
    else:
        done.append(files.write_excel(rng, folder, made))
        written = files.as_excel_holds(made)
    if kind.endswith("bytes"):
        done.append(files.spoil_bytes(rng, folder))
    what = "; ".join(done)
    try:
        cohort = Cohort.read(folder)
    except CohortError as error:
        oracle.require(str(error) != "", "an error without a message")
        return "refused", what
    if kind.startswith("csv"):
        written = oracle.csv_sheets(folder)
    if kind.startswith("parquet"):
        written = files.read_parquet(folder)
    oracle.compare(cohort, written)
    cohort.write(folder.parent / "again")
    again = Cohort.read(folder.parent / "again")
    oracle.require(
        again.fingerprint == cohort.fingerprint, "written and read again, it is another cohort"
    )
    return "read", what


def _model_case(rng: Random, folder: Path) -> tuple[str, str]:
    path, what = models.write_damaged(rng, folder)
    try:
        spec = load_model(path)
    except ModelError as error:
        oracle.require(str(error) != "", "an error without a message")
        return "refused", what
    models.check_model(path, spec)
    return "read", what


def _hostile_case(number: int, folder: Path, name: str) -> tuple[str, str]:
    case = HOSTILE[number]
    path = case.make(folder)
    try:
        cohort = Cohort.read(path)
    except ItbBayesError as error:
        oracle.require(str(error) != "", "an error without a message")
        oracle.require(len(str(error)) < 20_000, "a message of more than 20,000 characters")
        return "refused", name
    oracle.require(case.may_succeed, f"{name}: was accepted")
    oracle.require(len(cohort.patients) == 2, f"{name}: patients were lost")
    oracle.require(2 <= len(cohort.doses) <= 3, f"{name}: doses were lost")
    return "read", name


@contextmanager
def _time_limit() -> Iterator[None]:
    """Stop what takes more processor time than the limit, or waits for what never comes."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"more than {LIMIT_S} s of processor time, or {WAIT_S} s of waiting")

    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.alarm(WAIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for kind, handler in before.items():
            signal.signal(kind, handler)
