"""Files that are there whole or not at all, and what the disk refuses in words.

A file is written beside its place under the name ``.NAME.part``, forced to the disk and renamed.
Whoever is killed in between leaves at most such a ``.part`` file, which nobody reads and the next
run replaces.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itb_bayes.errors import UsageError

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "the operation is not permitted",
    errno.EFBIG: "the file would be larger than this process may write",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTDIR: "a part of the path is no folder",
    errno.EISDIR: "it is a folder",
    errno.ENOENT: "there is no such file or folder",
    errno.ELOOP: "links lead round in a circle",
    errno.EMFILE: "too many files are open",
    errno.EIO: "the disk reports an error",
}


def is_refused_by_system(error: OSError) -> bool:
    """Tell whether an error says that the system refused a file, for a reason users can mend."""
    return disk_errno(error) in _WORDS


def disk_errno(error: OSError) -> int | None:
    """Return the number of an error; libraries that write in C name it in the text alone."""
    if error.errno is not None:
        return error.errno
    _, found, rest = str(error).partition("errno = ")
    digits = rest.split(",")[0].strip()
    return int(digits) if found and digits.isdigit() else None


def disk_reason(error: OSError) -> str:
    """Return why the system refused a file, in words."""
    number = disk_errno(error)
    return _WORDS.get(number or 0) or error.strerror or "the system refused"


def cannot_write(path: Path, error: OSError) -> UsageError:
    """Return the error that a user is shown when something cannot be written."""
    return UsageError(
        f"cannot write to {path} ({disk_reason(error)}). What was finished before is kept; make "
        "room, or name another --out, and run the command again."
    )


@contextmanager
def refusals_in_words(path: Path) -> Iterator[None]:
    """Turn what the system refuses within the block into an error that a user is shown.

    Raises
    ------
    UsageError
        If the disk is full, the folder read-only, and the like.
    """
    try:
        yield
    except OSError as error:
        if not is_refused_by_system(error):
            raise
        raise cannot_write(path, error) from error


@contextmanager
def held(lock_file: Path, busy: str) -> Iterator[None]:
    """Hold a folder for this process; the lock ends with the process, however it ends.

    Parameters
    ----------
    lock_file : Path
        In the folder.
    busy : str
        What is said where another process holds it.

    Raises
    ------
    UsageError
        If another process holds it, or the folder cannot be written.
    """
    with refusals_in_words(lock_file.parent):
        lock = lock_file.open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(busy) from None
        yield


def part_of(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.part")


def is_part(path: Path) -> bool:
    """Tell whether a file was left half-written by a run that was killed."""
    return path.name.startswith(".") and path.name.endswith(".part") and not path.is_dir()


@contextmanager
def whole_file(path: Path, mode: int | None = None) -> Iterator[Path]:
    """Give a path to write to; the file takes its place when the block ends well.

    Parameters
    ----------
    path : Path
        Where the file will be.
    mode : int, optional
        Its permissions, from the first byte on.

    Raises
    ------
    UsageError
        If it cannot be written; nothing is left behind then.
    """
    part = part_of(path)
    try:
        part.unlink(missing_ok=True)
        if mode is not None:
            part.touch(mode=mode)
        yield part
        force_to_disk(part)
        os.replace(part, path)
        force_to_disk(path.parent)
    except OSError as error:
        if not is_refused_by_system(error):
            raise
        raise cannot_write(path.parent, error) from error
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Write a file (text in UTF-8 with Unix line ends), whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    with whole_file(path, mode) as part:
        part.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def force_to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on disk and survives a crash."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot, such as some network ones
            raise
    finally:
        os.close(handle)
