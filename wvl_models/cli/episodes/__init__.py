"""Episodes on disk: list, verify, repair, label, queue, suggest, snapshot, statistics, exchange.

This file is the list of commands; each is a function in the module that is named for its matter.
"""

import typer

from wvl_models.cli.episodes import (
    datasets,
    exchange,
    labelling,
    overview,
    playing,
    suggesting,
    upkeep,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__.partition("\n")[0])

app.command("ls")(overview.list_episodes)
app.command()(overview.show)
app.command()(upkeep.verify)
app.command()(upkeep.repair)
app.command()(labelling.label)
app.command()(suggesting.queue)
app.command()(suggesting.suggest)
app.command()(datasets.snapshot)
app.command()(datasets.stats)
app.command()(exchange.export)
app.command("import")(exchange.import_episodes)
app.command()(playing.play)
