"""The folder of a run over parts: one run, one process at a time, gone on with after a kill."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from itb_bayes.errors import UsageError
from itb_bayes.storage import held, is_part, refusals_in_words, write_whole

FORMAT = 1
RUN_FILE, LOCK_FILE = "_run.json", ".lock"


class RunFolder:
    """Results of a run over parts on disk.

    Parameters
    ----------
    folder : Path
        New, empty, or left by an earlier run with the same ``identity``.
    identity : mapping
        Fit, request and cohort of the run; JSON values.
    holds : str
        What is in it, in words of messages.

    Raises
    ------
    UsageError
        If the folder holds something else, or another run, or cannot be written.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], holds: str = "scores") -> None:
        self.folder, self._holds = folder, holds
        self._identity = json.loads(json.dumps({"format": FORMAT, **identity}))
        run = folder / RUN_FILE
        if folder.is_file():
            raise UsageError(f"{folder} is a file; name a folder with --out.")
        with refusals_in_words(folder):
            # A run that was killed at its very first file has left nothing but half of that.
            if folder.is_dir() and not all(is_part(path) for path in folder.iterdir()):
                self._check(run)
                return
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.write_text(RUN_FILE, json.dumps(self._identity, indent=1, sort_keys=True) + "\n")

    def _check(self, run: Path) -> None:
        try:
            found = json.loads(run.read_text(encoding="utf-8"))
            differs = sorted(
                key
                for key in {*found, *self._identity}
                if found.get(key) != self._identity.get(key)
            )
        except (OSError, ValueError, TypeError, AttributeError):
            raise UsageError(
                f"{self.folder} holds something else; name a new folder with --out."
            ) from None
        if differs:
            raise UsageError(
                f"{self.folder} holds {self._holds} with another {', '.join(differs)}; name "
                "another --out, or repeat the command that made it."
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
            f"another process is writing {self._holds} into {self.folder} right now; wait for it, "
            "or name another --out."
        )
        with held(self.folder / LOCK_FILE, busy):
            yield

    def write_text(self, name: str, text: str, mode: int | None = None) -> None:
        """Write a text file whole or not at all.

        Raises
        ------
        UsageError
            If it cannot be written.
        """
        write_whole(self.folder / name, text, mode)
