"""Write, or check, the module table of ARCHITECTURE.md.

The layers come from the import-linter contract in ``pyproject.toml``, the purpose of a module
from the first line of its docstring, so the page cannot say anything that the code does not.

usage: python tools/architecture.py [--write]
"""

import ast
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN = "<!-- modules: begin (python tools/architecture.py --write) -->"
END = "<!-- modules: end -->"
PACKAGE = "itb_bayes"


@dataclass(frozen=True)
class Module:
    """One module of the package.

    Attributes
    ----------
    name : str
        Dotted name, without ``__init__``.
    purpose : str
        First line of its docstring.
    n_lines : int
        Number of lines.
    """

    name: str
    purpose: str
    n_lines: int


def read_modules() -> tuple[Module, ...]:
    """Return every module under ``src/itb_bayes`` in order of name, without ``__main__``."""
    found = sorted((SOURCE / PACKAGE).rglob("*.py"))
    return tuple(_read(path) for path in found if path.name != "__main__.py")


def read_layers() -> tuple[tuple[str, ...], ...]:
    """Return the layers of the import-linter contract, top first; equals share a layer."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    return tuple(tuple(name.strip() for name in layer.split("|")) for layer in layers)


def layer_of(module: str, layers: tuple[tuple[str, ...], ...]) -> str | None:
    """Return the member of the layers that a module belongs to; None where there is none."""
    for member in (name for layer in layers for name in layer):
        if module == member or module.startswith(member + "."):
            return member
    return None


def render_tables() -> str:
    """Return the part of ARCHITECTURE.md between the two markers."""
    modules, layers = read_modules(), read_layers()
    parts = ["Top to bottom; a layer imports only from those below it.", ""]
    parts += ["```text", *(" | ".join(_short(n) for n in layer) for layer in layers), "```", ""]
    for layer in layers:
        for member in layer:
            rows = [m for m in modules if layer_of(m.name, layers) == member]
            parts += [f"### {_short(member)}", "", *_table(rows), ""]
    rest = [m for m in modules if m.name == PACKAGE]
    parts += ["### The package itself", "", *_table(rest)]
    return "\n".join(parts)


def main() -> int:
    """Write the page, or say whether it is up to date."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    fresh = f"{before}{BEGIN}\n{render_tables()}\n{END}{after}"
    if "--write" in sys.argv[1:]:
        PAGE.write_text(fresh, encoding="utf-8", newline="\n")
        return 0
    if fresh != PAGE.read_text(encoding="utf-8"):
        print("ARCHITECTURE.md is out of date: make architecture", file=sys.stderr)
        return 1
    return 0


def _read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(SOURCE).with_suffix("").parts
    name = ".".join(part for part in parts if part != "__init__")
    docstring = ast.get_docstring(ast.parse(text)) or ""
    purpose = docstring.split("\n\n")[0].replace("\n", " ").replace("``", "`")
    return Module(name, purpose.replace("|", "\\|"), len(text.splitlines()))


def _short(name: str) -> str:
    return name.removeprefix(PACKAGE + ".")


def _table(modules: list[Module]) -> list[str]:
    rows = [f"| `{_short(m.name)}` | {m.purpose} |" for m in modules]
    return ["| module | what it is |", "|---|---|", *rows]


if __name__ == "__main__":
    sys.exit(main())
