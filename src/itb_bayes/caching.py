"""One private folder for compiled code, new for every version of the kernels.

Numba and PyTensor keep compiled code on disk. Two dangers are closed here: their caches do not
notice when a function *called* by a cached one has changed, so the folder's name carries a digest
of the kernel sources; and compiled code can hold constants in clear, so the folder is readable by
its owner alone (patient values are passed as data besides, never as constants).
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from itb_bayes import __version__

_SOURCES = Path(__file__).resolve().parent

_TEMPORARY = "itb-bayes-"


def kernel_digest() -> str:
    """Return a short digest of the package version and the compiled sources."""
    digest = hashlib.sha256(f"{__version__}|{sys.version_info[:3]}".encode())
    for folder in ("kernel", "model"):
        for path in sorted((_SOURCES / folder).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def compile_cache_dir() -> Path:
    """Return the folder for compiled code, created with mode 0700.

    ``ITB_BAYES_CACHE`` names another parent than the user's cache folder. Where the folder cannot
    be made, a temporary one is used: slower, never wrong.
    """
    named = os.environ.get("ITB_BAYES_CACHE") or os.environ.get("XDG_CACHE_HOME")
    parent = Path(named) if named else Path.home() / ".cache"
    folder = parent / "itb-bayes" / kernel_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY))
    return folder


def _is_ours(numba_cache: str) -> bool:
    """Return whether a process of this package, which started this one, chose numba's folder."""
    path = Path(numba_cache)
    parent = path.parent.name
    return path.name == "numba" and (parent == kernel_digest() or parent.startswith(_TEMPORARY))


def prepare_compile_cache() -> None:
    """Point numba and PyTensor at the private folder, if nothing has chosen another before.

    Runs when the first kernel is imported. ``numba__fastmath`` is off so that code loaded from the
    cache gives the same numbers as code just compiled. Source that PyTensor writes goes there too:
    by itself it leaves a file in the system's temporary folder for every function, for ever. Where
    numba or PyTensor was imported before, these are changed in place; PyTensor's folder of compiled
    code can no longer be.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR", "")
    folder = Path(chosen).parent if _is_ours(chosen) else compile_cache_dir()
    if not chosen:
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
        if "numba" in sys.modules:
            sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
    source = folder / "pytensor-source"
    if "pytensor" in sys.modules:
        config = sys.modules["pytensor"].config
        config.numba__fastmath = False
        config.generated_src_dir = config.generated_src_dir or str(source)
        return
    flags = [flag for flag in os.environ.get("PYTENSOR_FLAGS", "").split(",") if flag]
    named = {flag.split("=")[0] for flag in flags}
    wanted = {
        "base_compiledir": folder / "pytensor",
        "numba__fastmath": False,
        "generated_src_dir": source,
    }
    flags += [f"{name}={value}" for name, value in wanted.items() if name not in named]
    os.environ["PYTENSOR_FLAGS"] = ",".join(flags)
