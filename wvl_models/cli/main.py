"""`wvl`: finds the sub-commands that the rooms register, imports the one that is used, runs it.

A room adds a typer application (with `add_completion=False`) to the entry-point group
`wvl.commands` in pyproject.toml; the first line of its module's docstring is the help. What a
user can mend (WvlError) ends as one line on stderr and exit code 1, wrong usage as 2, Ctrl-C as
130; anything else is ours and keeps its traceback.
"""

import ast
import importlib.util
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points, version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from wvl_models.contract.errors import SetupError, WvlError

_COMMANDS = "wvl.commands"


class LazyCommands(TyperGroup):
    """A group whose commands are entry points, loaded when one is run and not to be listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all installed commands (Any: typer keeps its context type to itself)."""
        return sorted(_installed().names)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperGroup | None:
        """A stand-in with the command's name and help, enough for `wvl --help`."""
        entry = _find(cmd_name)
        return None if entry is None else TyperGroup(name=cmd_name, help=_first_line(entry.module))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Replace the stand-in by the real command."""
        self.commands = dict.fromkeys(self.list_commands(ctx), TyperGroup())  # for suggestions
        name, stand_in, rest = super().resolve_command(ctx, args)
        entry = None if stand_in is None or name is None else _find(name)
        return (name, stand_in, rest) if entry is None else (name, _load(entry), rest)


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="World-VLA-Loop on a Franka arm: collect, learn, practise in imagination, deploy.",
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"world-vla-loop {version('world-vla-loop')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Options of `wvl` itself; the text of the help is given to `app`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `wvl`; leaves through SystemExit."""
    # Before any command loads torch: waiting OpenMP threads that spin cost 4.6x on a busy 2-core
    # machine (facts/toy_loop.md pitfall 1).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    command = typer.main.get_command(app)
    try:
        command.main(args=arguments, prog_name="wvl")
    except WvlError as error:
        typer.echo(f"wvl: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@cache
def _installed() -> EntryPoints:
    """Looked for once: this reads every installed package's entry points, 15 ms here."""
    return entry_points(group=_COMMANDS)


def _find(name: str) -> EntryPoint | None:
    return next(iter(_installed().select(name=name)), None)


@cache
def _load(entry: EntryPoint) -> Any:
    """The typer command behind an entry point (Any: group or command)."""
    try:
        loaded = entry.load()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("wvl_models", "wvl_robot"):
            raise
        raise SetupError(
            f"`wvl {entry.name}` needs the Python package {error.name}, which is not installed. "
            "`make setup` installs everything."
        ) from error
    return typer.main.get_command(loaded)


def _first_line(module: str) -> str:
    """First line of a module's docstring, read without running the module."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return "(not installed)"
    if spec is None or spec.origin is None:
        return "(not installed)"
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


if __name__ == "__main__":
    main()
