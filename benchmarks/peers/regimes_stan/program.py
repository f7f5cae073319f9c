"""The text of the Stan program, with the files that it includes put in."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
_INCLUDE = re.compile(r"^#include (\S+)\n", re.MULTILINE)


def program_text() -> str:
    """Return the whole program: pystan takes one text and knows no folder to include from."""
    text = (HERE / "regimes.stan").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: (HERE / found[1]).read_text(encoding="utf-8") + "\n", text)
