"""The fit bundle: a folder that says what was fitted, how, and whether it may be believed.

``manifest.json`` holds three digests (model, data, run), versions, settings and the SHA-256 of
every other file; a bundle whose files do not match is refused. Nothing is pickled.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from itb_bayes import __version__, storage
from itb_bayes.errors import UsageError

FORMAT = 1
MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.json"
DRAWS_FILE = "draws.nc"
DIAGNOSTICS_FILE = "diagnostics.json"
DATA_FILE = "data.nc"
LOCK_FILE = ".lock"
CHAINS_FOLDER = "chains"
REQUIRED_FILES = frozenset((MODEL_FILE, DRAWS_FILE, DIAGNOSTICS_FILE, DATA_FILE))
REQUIRED_KEYS = frozenset(
    (
        "model", "data", "run", "cohort", "synthetic", "settings", "versions", "command",
        "wall_seconds", "n_set_aside",
    )
)  # fmt: skip
"""What the rest of the package reads from a manifest."""
_RECORDED = ("pymc", "pytensor", "nutpie", "numba", "numpy", "scipy", "arviz-stats", "pandas")
_OF_BACKEND = {"jax": ("jax", "jaxlib")}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions(backend: str = "numba") -> dict[str, str]:
    """Return the versions that can change a number, with the processor's name.

    Parameters
    ----------
    backend : str
        Of the sampler's settings: what it needs besides is named too.
    """
    found = {name: version(name) for name in (*_RECORDED, *_OF_BACKEND.get(backend, ()))}
    return {
        "itb-bayes": __version__,
        "python": platform.python_version(),
        **found,
        "machine": platform.machine(),
    }


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces, for hashing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def run_digest(model: str, data: str, settings: dict[str, Any]) -> str:
    """Return the digest of a run: model, data, sampler settings and versions."""
    used = versions(settings.get("backend", "numba"))
    text = canonical_json([model, data, settings, used])
    return hashlib.sha256(text.encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people and machines, whole or not at all."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    storage.write_whole(path, text)


def write_tree(tree: xr.DataTree, path: Path) -> None:
    """Write draws as netCDF, whole or not at all.

    The file is made in memory first: HDF5 crashes the process when the disk is full. Nothing may
    hold the view of that memory, or what is left of the file complains when the writing fails.
    """
    storage.write_whole(path, bytes(tree.to_netcdf(None, engine="h5netcdf")))


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write data as netCDF, whole or not at all; see :func:`write_tree`."""
    storage.write_whole(path, bytes(dataset.to_netcdf(None, engine="h5netcdf")))


def read_tree(path: Path) -> xr.DataTree:
    """Read draws wholly into memory and close the file."""
    return xr.load_datatree(path, engine="h5netcdf")


def prepare_target(out: Path, force: bool) -> None:
    """Check that a bundle can be written to ``out``.

    Raises
    ------
    UsageError
        If ``out`` is a file, or a folder that holds something (unless ``force`` and a bundle), or
        its parent cannot be written.
    """
    if out.is_file():
        raise UsageError(f"{out} is a file; name a folder for the fit.")
    if out.is_dir() and any(out.iterdir()):
        if not force:
            raise UsageError(
                f"{out} is not empty; choose another --out, or add --force to replace its fit."
            )
        foreign = _foreign_files(out)
        if foreign:
            raise UsageError(
                f"{out} holds what no fit writes ({foreign}), so it is not replaced; choose "
                "another --out."
            )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create {out.parent}: {error.strerror}.") from None
    if not os.access(out.parent, os.W_OK):
        raise UsageError(f"cannot write in {out.parent}; choose another --out.")


def _foreign_files(out: Path) -> str:
    """Return what keeps a folder from being taken for a fit; empty if nothing does."""
    try:
        manifest = json.loads((out / MANIFEST_FILE).read_text(encoding="utf-8"))
        known = {MANIFEST_FILE, *manifest["files"]}
        if manifest["format"] != FORMAT:
            return f"a {MANIFEST_FILE} of another format"
    except (OSError, ValueError, KeyError, TypeError):
        return f"no {MANIFEST_FILE} of a fit"
    return ", ".join(sorted(path.name for path in out.iterdir() if path.name not in known)[:3])


@contextmanager
def exclusive(working: Path) -> Iterator[None]:
    """Hold a working folder for this process; the lock ends with the process, however it ends.

    Raises
    ------
    UsageError
        If another process holds it.
    """
    busy = "another process is making this fit right now; wait for it, or choose another --out."
    with storage.held(working / LOCK_FILE, busy):
        yield


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest with the digest of every file in ``folder``, all of it on disk."""
    files = {}
    for path in sorted(folder.iterdir()):
        if storage.is_part(path):
            path.unlink()
        elif path.is_file() and path.name not in (MANIFEST_FILE, LOCK_FILE):
            storage.force_to_disk(path)
            files[path.name] = file_digest(path)
    whole = {"format": FORMAT, **manifest, "files": files}
    write_json(folder / MANIFEST_FILE, {**whole, "seal": manifest_digest(whole)})


def is_finished(working: Path, run: str) -> bool:
    """Tell whether a working folder holds a whole fit that was killed before it was published."""
    try:
        return bool(open_manifest(working)["run"] == run)
    except UsageError:
        return False


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its seal.

    It shows that a manifest was edited; it is no signature and keeps nobody from sealing anew.
    """
    text = canonical_json({name: value for name, value in manifest.items() if name != "seal"})
    return hashlib.sha256(text.encode()).hexdigest()


def publish(working: Path, out: Path, force: bool) -> None:
    """Move a finished folder to its place, replacing an older fit there.

    Raises
    ------
    UsageError
        If something has appeared at ``out`` meanwhile and ``force`` is false; the finished chains
        stay in the working folder, and the same command with ``--force`` samples nothing again.
    """
    filled = out.exists() and any(out.iterdir())
    if filled and not force:
        raise UsageError(
            f"{out} has been filled by another process meanwhile; choose another --out, or add "
            "--force."
        )
    (working / LOCK_FILE).unlink(missing_ok=True)
    shutil.rmtree(working / CHAINS_FOLDER, ignore_errors=True)
    old = out.with_name(f".{out.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    if filled:
        os.replace(out, old)
    os.replace(working, out)
    storage.force_to_disk(out.parent)
    shutil.rmtree(old, ignore_errors=True)


def open_manifest(folder: Path, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a manifest and verify every file against it.

    Parameters
    ----------
    optional : tuple of str
        Files that may be absent (an identity file that a user has taken away).

    Raises
    ------
    UsageError
        If the folder is no fit bundle, was written by a newer version, or a file is missing or
        differs from what was written.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise UsageError(
            f"{folder} is not a fit: it has no {MANIFEST_FILE}. Make one with "
            "`itb-bayes fit MODEL COHORT --out DIR`."
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files = dict(manifest["files"])
        written = int(manifest["format"])
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} cannot be read as a manifest; the fit is damaged.") from None
    if written != FORMAT:
        raise UsageError(
            f"{folder} was written in format {written}; this version reads format {FORMAT}. Use "
            f"the version that wrote it ({manifest.get('versions', {}).get('itb-bayes', '?')})."
        )
    if manifest.get("seal") != manifest_digest(manifest):
        raise UsageError(
            f"the fit {folder} has been changed since it was written: {MANIFEST_FILE} does not "
            "match its seal. It is refused; fit again."
        )
    if not (manifest.keys() >= REQUIRED_KEYS and files.keys() >= REQUIRED_FILES):
        raise UsageError(f"{path} does not name everything that makes a fit; the fit is damaged.")
    for name, digest in files.items():
        file = folder / name
        if not file.is_file():
            if name in optional:
                continue
            raise UsageError(f"the fit {folder} is incomplete: {name} is missing.")
        if file_digest(file) != digest:
            raise UsageError(
                f"the fit {folder} has been changed since it was written: {name} does not match "
                "its digest. It is refused; fit again."
            )
    return manifest
