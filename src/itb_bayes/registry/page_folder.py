"""The folder of a report in parts: every part's pages are there whole, or not at all.

A part is made in a folder beside its place and renamed when it is finished, so that two processes
that make the same part (one of them lost to its scheduler, but alive) do not mix their pages.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itb_bayes.cohort.partitions import part_name
from itb_bayes.errors import UsageError
from itb_bayes.registry.run_folder import RunFolder
from itb_bayes.report.folder import MARKER_FILE, finished_of, read_marker
from itb_bayes.report.index_document import IndexDocument, index_from_json
from itb_bayes.report.naming import LIST
from itb_bayes.storage import force_to_disk, is_part, refusals_in_words

_BUILDING = ".part-*-*"


class PageFolder(RunFolder):
    """Pages of the parts on disk; see :class:`RunFolder`."""

    def clear_unfinished(self) -> None:
        """Remove what runs that were killed have left half-made."""
        for path in self.folder.glob(_BUILDING):
            shutil.rmtree(path, ignore_errors=True)

    def outdated(self, made_of: list[str]) -> list[int]:
        """Return the numbers of the parts whose pages are missing, or made of something else.

        Parameters
        ----------
        made_of : list of str
            Digest of what the pages of every part are to be made of.

        Raises
        ------
        UsageError
            If the folder of such a part, or one beyond the last part, holds files of others.
        """
        found = [
            number
            for number, digest in enumerate(made_of)
            if finished_of(self.folder / part_name(number)) != digest
        ]
        for path in [self.folder / part_name(number) for number in found]:
            _refuse_others(path)
        for path in self._beyond(len(made_of)):
            _refuse_others(path)
        return found

    def lists(self, n_parts: int) -> Iterator[tuple[str, IndexDocument]]:
        """Yield the folder and the list of every part, one at a time."""
        for number in range(n_parts):
            name = part_name(number)
            text = (self.folder / name / f"{LIST}.json").read_text(encoding="utf-8")
            yield name, index_from_json(text)

    def remove_beyond(self, n_parts: int) -> None:
        """Remove the pages of parts that the cohort no longer has."""
        for path in self._beyond(n_parts):
            with refusals_in_words(self.folder):
                shutil.rmtree(path)

    def _beyond(self, n_parts: int) -> list[Path]:
        known = {part_name(number) for number in range(n_parts)}
        return [path for path in sorted(self.folder.glob("part-*")) if path.name not in known]


@contextmanager
def whole_part(folder: Path, number: int, made_of: str) -> Iterator[Path]:
    """Give a new folder to write a part's pages to; it takes its place when the block ends well.

    Parameters
    ----------
    folder : Path
        Of the whole report.
    number : int
    made_of : str
        Digest of what the pages are made of: where another process has finished the same pages
        meanwhile, those stay.

    Raises
    ------
    UsageError
        If the system refuses a file.
    """
    name = part_name(number)
    scrap: list[Path] = []
    try:
        with refusals_in_words(folder):
            building = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder))
        scrap.append(building)
        yield building
        with refusals_in_words(folder):
            # Only a part whose pages have reached the disk may say that it is finished.
            for path in [*building.iterdir(), building]:
                force_to_disk(path)
            target = folder / name
            if finished_of(target) == made_of:
                return
            if target.exists():
                scrap.append(Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder)))
                os.replace(target, scrap[-1])
            try:
                os.replace(building, target)
            except OSError:
                # Another process may have put the same pages there this very moment.
                if finished_of(target) != made_of:
                    raise
            force_to_disk(folder)
    finally:
        for path in scrap:
            shutil.rmtree(path, ignore_errors=True)


def _refuse_others(path: Path) -> None:
    """Refuse to replace a folder that holds anything but the pages of a part.

    Raises
    ------
    UsageError
        If it does.
    """
    if not path.exists():
        return
    own = {*read_marker(path), MARKER_FILE} if path.is_dir() else set()
    others = [p for p in path.iterdir() if p.name not in own and not is_part(p)] if own else [path]
    if others:
        raise UsageError(
            f"{path} is to be made again or removed, and holds files that no report has "
            "made; move them, or name another --out."
        )
