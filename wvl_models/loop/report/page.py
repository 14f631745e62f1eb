"""Writes `report.json` and the self-contained `report.html`."""

import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from wvl_models.contract.errors import ConfigError
from wvl_models.loop.curves import Curves
from wvl_models.loop.report.facts import ReportFacts
from wvl_models.loop.report.pictures import (
    curve_picture,
    imagination_picture,
    success_picture,
    timing_picture,
)
from wvl_models.loop.run import Run

TEMPLATE = "report.html.j2"


def write_report(run: Run, facts: ReportFacts) -> Path:
    """Both files into the run's folder; returns the page."""
    page = run.folder / "report.html"
    environment = Environment(
        loader=PackageLoader("wvl_models.loop.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template(TEMPLATE).render(
        facts=facts,
        config=run.config,
        settings=run.config.model_dump_json(indent=2),
        folder=run.folder,
        success=success_picture(facts.success),
        imagination=[
            (entry["turn"], imagination_picture(run, entry["pictures"]))
            for entry in facts.alignment
        ],
        curves=_curves(run),
        timings=timing_picture(facts),
    )
    text = json.dumps(facts.as_json(), indent=1, allow_nan=False) + "\n"
    try:
        (run.folder / "report.json").write_text(text, encoding="utf-8")
        page.write_text(html, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the report to {run.folder}: {error.strerror}.") from error
    return page


def _curves(run: Run) -> list[tuple[str, str]]:
    """(caption, picture) of every curve worth a look."""
    turns = range(1, run.config.turns + 1)
    wanted = [
        ("Loss of SFT", "loss", [("SFT", "sft", "loss")]),
        (
            "Reward loss of the world model",
            "loss",
            [(f"turn {t}", f"world-model-{t}", "reward") for t in turns],
        ),
        (
            "Flow loss of the world model",
            "loss",
            [(f"turn {t}", f"world-model-{t}", "flow") for t in turns],
        ),
        (
            "Imagined success during practice (not true success)",
            "share",
            [(f"turn {t}", f"practise-{t}", "imagined_success") for t in turns],
        ),
        (
            "Largest predicted reward; above 1 the policy exploits the model",
            "reward",
            [(f"turn {t}", f"practise-{t}", "max_reward") for t in turns],
        ),
    ]
    return [
        (
            caption,
            curve_picture(
                [(name, Curves(run.curves(stage)).read(key)) for name, stage, key in lines], ylabel
            ),
        )
        for caption, ylabel, lines in wanted
    ]
