"""The folder of a calibration: one small file per replicate, each written whole or not at all."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.calibration.experiment import N_RANKED, Replicate
from itb_bayes.storage import cannot_write, held, is_part, write_whole

FORMAT = 1
RUN_FILE = "run.json"
REPLICATES = "replicates"
RANKS_FILE = "ranks.csv"
LOCK_FILE = ".lock"
OWN_NAMES = frozenset({RUN_FILE, REPLICATES, RANKS_FILE, LOCK_FILE})
"""What a calibration keeps in its folder beside the page."""

COLUMNS = ("replicate", "quantity", "rank", "r_hat", "ess", "divergences")


class CalibrationFolder:
    """Replicates on disk. A killed run leaves whole replicates and at most one ``.part`` file.

    Parameters
    ----------
    folder : path
    identity : mapping
        Of the experiment, and the seed; JSON values.

    Raises
    ------
    UsageError
        If the folder holds another calibration, or something else, or cannot be written.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        header = {"format": FORMAT, "ranked": N_RANKED, **identity}
        self._header = json.loads(json.dumps(header))
        _refuse_foreign(folder)
        try:
            (folder / REPLICATES).mkdir(parents=True, exist_ok=True)
            path = folder / RUN_FILE
            if not path.exists():
                write_whole(path, json.dumps(self._header, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            raise cannot_write(folder, error) from None
        self._check_header(path)

    def _check_header(self, path: Path) -> None:
        found = _read_json(path)
        if found == self._header:
            return
        differs = sorted(
            name for name in {*found, *self._header} if found.get(name) != self._header.get(name)
        )
        raise UsageError(
            f"{self.folder} holds a calibration with another {', '.join(differs)}; name another "
            "--out, or repeat the command that made it."
        )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the folder for this process; the lock ends with the process, however it ends.

        Raises
        ------
        UsageError
            If another process holds it, or the folder cannot be written.
        """
        busy = (
            f"another process is calibrating into {self.folder}; wait for it, or choose another "
            "--out."
        )
        with held(self.folder / LOCK_FILE, busy):
            for part in (self.folder / REPLICATES).iterdir():
                if is_part(part):  # of a run that was killed
                    part.unlink()
            yield

    def finished(self) -> dict[int, Replicate]:
        """Return the replicates that are done, by number.

        Raises
        ------
        UsageError
            If a file is not what this program writes.
        """
        found = {}
        for path in sorted((self.folder / REPLICATES).glob("*.json")):
            entry = _read_json(path)
            try:
                entry |= {name: _number(entry[name]) for name in ("r_hat", "ess")}
                replicate = Replicate(**entry)
            except (KeyError, TypeError):
                raise UsageError(f"{path} is no replicate; remove it, and run again.") from None
            found[replicate.number] = replicate
        return found

    def keep(self, replicate: Replicate) -> None:
        """Write a replicate: whole, and on disk when this returns."""
        entry = asdict(replicate)
        for name in ("r_hat", "ess"):
            entry[name] = None if entry[name] != entry[name] else entry[name]
        path = self.folder / REPLICATES / f"{replicate.number:06d}.json"
        write_whole(path, json.dumps(entry, sort_keys=True) + "\n")

    def write_table(self, table: pd.DataFrame) -> None:
        """Write the ranks of all replicates."""
        write_whole(
            self.folder / RANKS_FILE,
            table.to_csv(index=False, float_format="%.6g", lineterminator="\n"),
        )


def rank_rows(replicates: Mapping[int, Replicate], count: int) -> pd.DataFrame:
    """Return one row per quantity of the first ``count`` replicates, in order.

    Columns :data:`COLUMNS`; replicates whose fit failed have no row.
    """
    rows = [
        (k, name, rank, found.r_hat, found.ess, found.divergences)
        for k, found in sorted(replicates.items())
        if k < count
        for name, rank in found.ranks.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _refuse_foreign(folder: Path) -> None:
    if folder.is_file():
        raise UsageError(f"{folder} is a file; name a folder with --out.")
    # Of a run that was killed before it wrote its first file, only our own names are there.
    foreign = folder.is_dir() and any(
        path.name not in OWN_NAMES and not is_part(path) for path in folder.iterdir()
    )
    if foreign and not (folder / RUN_FILE).is_file():
        raise UsageError(f"{folder} holds something else; name a new folder with --out.")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is damaged; remove it, and run again.")
    return found


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
