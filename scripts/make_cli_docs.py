"""Write docs/cli.md, the reference of every verb and option: `python -m scripts.make_cli_docs`."""

from pathlib import Path
from typing import get_type_hints

from model.io.atomic import atomic_write
from training.cli import VERBS
from training.options import describe, get_group_title, list_options

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = """\
# Command line

`python -m training VERB`, or `trazo VERB` if the package is installed. `--help` shows the same options, `--version` the
version. A user error is reported in one line and ends with status 2; `Ctrl-C` ends with 130. Every verb can be
interrupted at any moment, even by `kill -9`: run the same command again to resume.

In `train`, a preset or the best trial of a search sets its own defaults, and an option given on the command line takes
precedence over both. In `tune`, an option given on the command line is not searched.

*This page is written by `python -m scripts.make_cli_docs` from `training/config`.*
"""


def make_page() -> str:
    """Return the page: one section per verb, with one table per group of options that no verb above has."""
    sections = [HEAD]
    home: dict[type, tuple[str, list[str]]] = {}
    for name, verb in VERBS.items():
        sections.append(f"## {name}\n\n{verb.help[0].upper()}{verb.help[1:]}.\n")
        for config, skip in verb.groups():
            shown, shown_skip = home.setdefault(config, (name, skip))
            if shown == name:
                sections.append(f"{get_group_title(config)}:\n\n{_table(config, skip)}\n")
                continue
            names = [declared.name for declared in list_options(config, shown_skip) if declared.name in skip]
            without = ", ".join(f"`--{one.replace('_', '-')}`" for one in names)
            text = f"{get_group_title(config)}: as for [{shown}](#{shown})"
            sections.append(text + (f", but not {without}.\n" if without else ".\n"))
    return "\n".join(sections)


def _table(config: type, skip: list[str]) -> str:
    types = get_type_hints(config)
    rows = [describe(declared, types[declared.name]) for declared in list_options(config, skip)]
    lines = ["| option | values | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{row.name}` | {row.values} | {row.default} | {row.help} |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    atomic_write(PAGE, make_page())
