"""Write the pages that restate the code: data contract, model, command line, list of results.

They go to ``docs/_build/generated`` and are included by the pages of the site, so that the site
cannot say anything that the code does not.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from itb_bayes.cli.main import app
from itb_bayes.cohort.contract import CONTRACT_VERSION, EVENTS, SCALES, TABLES, ColumnSpec
from itb_bayes.spec import explain, load_model, shipped_models


def setup(sphinx: Any) -> dict[str, bool]:
    """Register the generation before Sphinx reads any page."""
    sphinx.connect("builder-inited", _write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_all(sphinx: Any) -> None:
    source = Path(sphinx.srcdir)
    folder = source / "_build" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "contract.md": render_contract(),
        "models.md": render_models(),
        "commands.md": render_commands(),
        "results.md": render_results(source),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def render_contract() -> str:
    """Return the tables of the data contract."""
    parts = [f"This is version {CONTRACT_VERSION} of the contract.", ""]
    for table in TABLES.values():
        need = "required" if table.required else "optional"
        parts += [f"## {table.name} ({need})", ""]
        parts += ["| column | needed | cells | values |", "|---|---|---|---|"]
        parts += [_column_row(column) for column in table.columns]
        parts.append("")
        if table.needs:
            names = ", ".join(f"`{name}`" for name in table.needs)
            parts += [f"A row without {names} says nothing: it is set aside and counted.", ""]
    parts += ["## Scales", "", "| scale | range | step | also |", "|---|---|---|---|"]
    for name, scale in SCALES.items():
        also = ", ".join(f"{value:g}" for value in scale.extra)
        parts.append(f"| `{name}` | {scale.low:g} to {scale.high:g} | {scale.step:g} | {also} |")
    parts += ["", "## Events", "", ", ".join(f"`{event}`" for event in EVENTS) + "."]
    return "\n".join(parts) + "\n"


def _column_row(column: ColumnSpec) -> str:
    needed = "yes" if column.required else ""
    cells = "never empty" if column.filled else "may be empty"
    kind = {"id": "identifier", "date": "ISO 8601 date", "flag": "yes or no"}.get(
        column.kind, column.kind
    )
    values = ", ".join(f"`{word}`" for word in column.vocabulary) or kind
    if not math.isinf(column.low) or not math.isinf(column.high):
        values += f", {column.low:g} to {column.high:g}"
    return f"| `{column.name}` | {needed} | {cells} | {values} |"


def render_models() -> str:
    """Return the list of shipped models and the explanation of the main one."""
    specs = [load_model(f"@{name}") for name in shipped_models()]
    parts = ["| model | version | what it is |", "|---|---|---|"]
    parts += [f"| `@{spec.name}` | {spec.version} | {spec.title} |" for spec in specs]
    parts += ["", "## The model `@drift`", "", "```text"]
    parts += [explain(load_model("@drift")).text.rstrip(), "```", ""]
    return "\n".join(parts)


def render_commands() -> str:
    """Return one section per command, from the typer application itself."""
    parts = []
    for path, command in _leaves("itb-bayes", typer.main.get_command(app)):
        shown = [p for p in command.params if not getattr(p, "hidden", False)]
        words = [_name(p) for p in shown if p.param_type_name == "argument"]
        usage = " ".join([path, "[OPTIONS]", *words])
        parts += [f"## {path}", "", "```text", usage, "```", "", _text(command.help), ""]
        rows = [_parameter_row(parameter) for parameter in shown]
        parts += ["| argument or option | what it is |", "|---|---|", *rows, ""]
    return "\n".join(parts)


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from _leaves(f"{path} {name}", child)


def _parameter_row(parameter: Any) -> str:
    names = _name(parameter)
    text = _text(parameter.help)
    default = parameter.default
    if parameter.required:
        text += " Required."
    elif isinstance(default, (int, float, str)) and not isinstance(default, bool) and default != "":
        text += f" Default: `{getattr(default, 'value', default)}`."
    return f"| `{names}` | {text.strip()} |"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"{name}..." if parameter.nargs == -1 else name
    return ", ".join(parameter.opts)


def _text(text: str | None) -> str:
    """Return help text with what Markdown would take for markup escaped."""
    escapes = {"|": "\\|", "<": "&lt;", "*": "\\*"}
    return "".join(escapes.get(letter, letter) for letter in text or "")


def render_results(source: Path) -> str:
    """Return a table of contents of ``docs/results``, or a sentence where there are none."""
    names = sorted(path.stem for path in (source / "results").glob("*.md"))
    if not names:
        return "No results are kept with this version.\n"
    return "\n".join(
        ["```{toctree}", ":maxdepth: 1", "", *(f"results/{n}" for n in names), "```", ""]
    )
