"""Are the dependencies known, unchanged and allowed: pins, hashes, licences, and known flaws.

usage: python tools/audit.py [--offline]

Every requirement of every ``requirements*.txt`` must be pinned once, with at least one SHA-256, and
every installed distribution among them must have a licence that goes with Apache-2.0. Known
vulnerabilities need a service on the network: they are looked up with pip-audit where it is
installed and answers, and the outcome says so where it does not.
"""

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    "requirements.txt",
    "requirements-docs.txt",
    "requirements-bench.txt",
    "requirements-stan.txt",
)
SHIPPED = "requirements.txt"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
ALLOWED = re.compile(
    r"apache|mit\b|mit-|bsd|isc|psf|python software|mpl|mozilla|zlib|unlicense|public domain|cc0"
    r"|0bsd|hpnd|lgpl|lesser general|ofl|zpl|zope|boost",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"(?<!l)(?<!lesser )(agpl|gpl|general public|proprietary)", re.IGNORECASE)


def blocks(text: str) -> list[str]:
    """Return the requirements of a file, each with the lines that belong to it."""
    found = re.split(r"\n(?=\S)", text)
    return [block for block in found if block.strip() and not block.startswith("#")]


def unpinned(text: str) -> list[str]:
    """Return the requirements that are not pinned, or have no hash."""
    return [
        block.split()[0]
        for block in blocks(text)
        if PIN.match(block) is None or "--hash=sha256:" not in block
    ]


def doubled(text: str) -> list[str]:
    """Return the requirements that are pinned twice where both pins could be installed.

    Pins with different markers (``; python_version < "3.13"``) are for different machines.
    """
    found: Counter[tuple[str, str]] = Counter()
    for match, block in ((PIN.match(block), block) for block in blocks(text)):
        if match is not None:
            marker = block.splitlines()[0].partition(";")[2].rstrip("\\ ").strip()
            found[re.sub(r"[-_.]+", "-", match[1]).lower(), marker] += 1
    return sorted(name for (name, _), count in found.items() if count > 1)


def licence_of(name: str) -> str:
    """Return the licence that an installed distribution states; empty where it is not installed."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    stated = [metadata.get("License-Expression") or "", metadata.get("License") or ""]
    stated += [c for c in metadata.get_all("Classifier") or [] if c.startswith("License")]
    return " | ".join(text.splitlines()[0] for text in stated if text.strip()) or "not stated"


def is_allowed(licence: str) -> bool:
    """Tell whether a licence goes with Apache-2.0; a choice is allowed where one part is."""
    return ALLOWED.search(licence) is not None or not FORBIDDEN.search(licence)


def known_flaws() -> tuple[str, bool]:
    """Return what pip-audit says, and whether it found anything."""
    if importlib.util.find_spec("pip_audit") is None:
        return "known flaws: not looked up (pip-audit is not installed)", False
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "-r", str(ROOT / SHIPPED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "vulnerabilit" not in done.stdout + done.stderr:
        return "known flaws: not looked up (the service does not answer)", False
    return f"known flaws: {done.stdout or done.stderr}".strip(), done.returncode != 0


def main() -> int:
    """Audit the pins; return the exit code."""
    failures = []
    for file in FILES:
        text = (ROOT / file).read_text(encoding="utf-8")
        wrong = unpinned(text)
        failures += [f"{file}: {name} has no pin with a hash" for name in wrong]
        failures += [f"{file}: {name} is pinned twice" for name in doubled(text)]
        print(f"{file}: {len(blocks(text))} requirements, {len(wrong)} without pin or hash")
    names = [
        m[1] for m in map(PIN.match, blocks((ROOT / SHIPPED).read_text(encoding="utf-8"))) if m
    ]
    licences = {name: licence_of(name) for name in names}
    installed = {name: licence for name, licence in licences.items() if licence}
    failures += [f"{n}: licence {text}" for n, text in installed.items() if not is_allowed(text)]
    print(f"licences: {len(installed)} of {len(names)} installed requirements looked at")
    if "--offline" not in sys.argv:
        said, flawed = known_flaws()
        print(said)
        failures += ["known flaws"] if flawed else []
    print("\n".join(f"FAILED {failure}" for failure in failures) or "audit passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
