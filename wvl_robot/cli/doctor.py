"""Look at everything an evening at the rig can fail on, and say how to mend it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, write_json
from wvl_robot.cli.provenance import provenance
from wvl_robot.doctor.examination import Patient, examine
from wvl_robot.doctor.finding import Level
from wvl_robot.rig.config import load_rig
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False)

COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@app.command(help=__doc__)
def doctor(
    rig: Annotated[str, typer.Option(help="Rig file below config/rig.")] = "virtual",
    store: Annotated[Path, typer.Option(help="Where episodes are to lie.")] = Path("data/episodes"),
    registry: Annotated[Path, typer.Option(help="Model registry.")] = Path("data/registry"),
    json: JsonOption = None,
) -> None:
    """Exit code 1 when something fails. Connects to the robot, moves nothing."""
    share = share_folder()
    console, table = make_console(), Table("", "what", "seen", "mend", title=f"rig {rig}")
    findings = []
    patient = Patient(share=share, rig=load_rig(share, rig), store=store, registry=registry)
    with make_console(stderr=True).status("looking") as status:
        for finding in examine(patient):
            status.update(f"looked at {finding.subject}")
            findings.append(finding)
            level = f"[{COLOURS[finding.level]}]{finding.level.value}[/]"
            table.add_row(level, finding.subject, escape(finding.seen), escape(finding.mend))
    if json is not None:
        write_json(json, provenance(0) | {"findings": [asdict(finding) for finding in findings]})
    if json != "-":
        console.print(table)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)
