"""The folder of a report: only its own files are ever written, replaced or removed."""

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from itb_bayes.errors import UsageError
from itb_bayes.storage import disk_reason, part_of

MARKER_FILE = "itb-bayes-report.json"
"""Lists the files of a report; a folder that holds one may be written again."""

_OURS = re.compile(
    r"(?:pt-[0-9a-f]{16}|index)\.(?:html|json)|numbers\.csv"
    r"|pt-[0-9a-f]{16}\.(?:pdf|fhir-r4b\.json|fhir-r5\.json|card\.json)"
)


@dataclass
class ReportFolder:
    """A folder that a report is written to.

    Attributes
    ----------
    path : Path
    """

    path: Path
    _before: frozenset[str]
    _written: list[str] = field(default_factory=list)

    @classmethod
    def prepare(cls, path: Path) -> "ReportFolder":
        """Make a folder (mode 0700), or take one that holds an earlier report.

        Raises
        ------
        UsageError
            If the path is a file, holds anything but an earlier report, or cannot be written.
        """
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file; name a folder for the pages with --out.")
        before: frozenset[str] = frozenset()
        try:
            stale = part_of(path / MARKER_FILE)  # of a report that was killed at its first step
            if path.is_dir() and any(entry != stale for entry in path.iterdir()):
                before = read_marker(path)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        except OSError as error:
            raise _cannot_write(path, error) from None
        return cls(path, before)

    def announce(self, names: list[str]) -> None:
        """Say which files will be there, before the first is written.

        An interrupted report can then be written again over what it left behind.
        """
        self._write(MARKER_FILE, _marker(sorted(self._before | set(names))))

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file (mode 0600; text in UTF-8), whole or not at all.

        Raises
        ------
        ValueError
            If the name is not one of a report, or was written before.
        UsageError
            If it cannot be written.
        """
        if not _OURS.fullmatch(name):
            raise ValueError("a page has a name that is not one of a report")
        if name in self._written:
            raise ValueError("two pages have the same name")
        self._write(name, content)
        self._written.append(name)

    def finish(self, made_of: str = "") -> int:
        """Remove what an earlier report left and is not part of this one; return how many pages.

        Parameters
        ----------
        made_of : str
            Digest of everything the report was made of; see :func:`finished_of`.

        Raises
        ------
        UsageError
            If a page cannot be removed.
        """
        gone = sorted(self._before - set(self._written))
        n_page = sum(name.endswith(".html") and (self.path / name).exists() for name in gone)
        try:
            for name in gone:
                (self.path / name).unlink(missing_ok=True)
                part_of(self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        self._write(MARKER_FILE, _marker(sorted(self._written), made_of))
        return n_page

    def _write(self, name: str, content: str | bytes) -> None:
        target = self.path / name
        # Pages are not forced to disk one by one: the same bytes can be made of the fit again.
        temporary = part_of(target)
        try:
            temporary.unlink(missing_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode("utf-8"))
            os.replace(temporary, target)
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _marker(names: list[str], made_of: str = "") -> str:
    content: dict[str, object] = {"itb_bayes_report": 1, "files": names}
    if made_of:
        content["made_of"] = made_of
    return json.dumps(content, indent=1) + "\n"


def finished_of(path: Path) -> str:
    """Return the digest of what a finished report was made of.

    Empty where there is no report, it is not finished, says nothing of this, or lacks a file.
    """
    try:
        names = read_marker(path)
        made_of = json.loads((path / MARKER_FILE).read_text(encoding="utf-8")).get("made_of")
    except (UsageError, OSError, ValueError):
        return ""
    whole = isinstance(made_of, str) and all((path / name).is_file() for name in names)
    return made_of if whole else ""


def read_marker(path: Path) -> frozenset[str]:
    """Return the names of the files of a report.

    Raises
    ------
    UsageError
        If the folder holds no report.
    """
    marker = path / MARKER_FILE
    refusal = UsageError(
        f"{path} is not empty and holds no earlier report; choose another --out, or empty it."
    )
    if not marker.is_file():
        raise refusal
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
        names = content["files"] if content["itb_bayes_report"] == 1 else None
    except (ValueError, KeyError, TypeError):
        raise refusal from None
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _OURS.fullmatch(name) for name in names
    ):
        raise refusal
    return frozenset(names)


def _cannot_write(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot write to {path} ({disk_reason(error)}). Name a folder that can be written with "
        "--out."
    )
