"""Write the vocabulary of model files, the gallery, and the list of reproduced papers.

Like ``generated``: pages of the site include what is written here to ``docs/_build/generated``.
"""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from itb_bayes.spec.registry import PriorNeed, kind_named, kind_names
from itb_bayes.spec.units import UNITS

REPRODUCTION = "results/reproduction"


def setup(sphinx: Any) -> dict[str, bool]:
    """Register the generation before Sphinx reads any page."""
    sphinx.connect("builder-inited", _write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_all(sphinx: Any) -> None:
    source = Path(sphinx.srcdir)
    folder = source / "_build" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "vocabulary.md": render_vocabulary(),
        "gallery.md": render_gallery(source),
        "reproduction.md": render_reproduction(source),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def render_vocabulary() -> str:
    """Return the terms and priors of every kind of model, and the units of priors."""
    parts: list[str] = []
    for name in kind_names():
        kind = kind_named(name)
        parts += [f'## kind = "{name}"', "", "| table | key | values |", "|---|---|---|"]
        for table in kind.spec_class.term_names():
            term: Any = kind.spec_class.model_fields[table].annotation
            for key, field in term.model_fields.items():
                parts.append(f"| `[{table}]` | `{key}` | {_values(field.annotation)} |")
        parts += ["", "| prior | what it is | unit | when |", "|---|---|---|---|"]
        parts += [_prior_row(need) for need in kind.needs]
        parts.append("")
    parts += ["## Units of priors", "", "| unit | families | what it is |", "|---|---|---|"]
    for unit in UNITS.values():
        parts.append(f"| `{unit.name}` | {', '.join(unit.families)} | {unit.symbol} |")
    return "\n".join(parts) + "\n"


def _prior_row(need: PriorNeed) -> str:
    when = f"by `{'.'.join(need.at)}`" if need.at else "always"
    by = "; one per diagnosis" if need.by_diagnosis else ""
    return f"| `{need.name}` | {need.meaning}{by} | `{need.unit}` | {when} |"


def _values(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f'`"{value}"`' for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "a list of names"
    parts = [a for a in get_args(annotation) if a is not type(None)]
    if len(parts) > 1:
        return " or ".join(_values(part) for part in parts)
    return {"float": "a number", "int": "a whole number"}.get(
        getattr(annotation, "__name__", ""), "a number"
    )


def render_gallery(source: Path) -> str:
    """Return every figure of the reproductions with its caption."""
    parts: list[str] = []
    for page in sorted((source / REPRODUCTION).glob("*.md")):
        text = page.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        parts += [f"## {title}", "", f"[All lines and tables]({REPRODUCTION}/{page.name})", ""]
        for caption, picture in re.findall(r"!\[(.*?)\]\((.*?\.svg)\)", text):
            parts += [f"```{{figure}} {REPRODUCTION}/{picture}", caption, "```", ""]
    return "\n".join(parts)


def render_reproduction(source: Path) -> str:
    """Return a table of contents of the reproduced papers."""
    names = sorted(path.stem for path in (source / REPRODUCTION).glob("*.md"))
    listed = [f"{REPRODUCTION}/{name}" for name in names]
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *listed, "```", ""])
