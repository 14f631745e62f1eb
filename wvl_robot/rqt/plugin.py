"""The panel as an rqt plugin. rqt takes any class with these methods (its own words: duck typing),
so this file needs no rqt to be imported; rqt owns the node and spins it.
"""

import argparse
import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wvl_robot.core.live.presenter import LivePresenter
from wvl_robot.ros.live_camera import RosLiveCamera
from wvl_robot.ros.session_client import RosSessionControl
from wvl_robot.rqt.panel import LabelPanel


class LabelPlugin:
    """`context` and the settings are rqt's (Any: rqt has no types)."""

    def __init__(self, context: Any) -> None:
        options = _options(context.argv())
        self._control = RosSessionControl(context.node)
        self._panel = LabelPanel(
            options.author, LivePresenter(self._control), RosLiveCamera(context.node)
        )
        if options.store is not None:
            self._panel.open_store(options.store)
        context.add_widget(self._panel)

    def shutdown_plugin(self) -> None:
        """Called by rqt."""
        self._panel.shut()
        self._control.close()

    def save_settings(self, plugin_settings: Any, instance_settings: Any) -> None:
        """Called by rqt; what a perspective remembers."""
        if self._panel.store is not None:
            instance_settings.set_value("store", str(self._panel.store))

    def restore_settings(self, plugin_settings: Any, instance_settings: Any) -> None:
        """Called by rqt; a store that was named at the start wins."""
        store = instance_settings.value("store")
        if store and self._panel.store is None:
            self._panel.open_store(Path(store))

    def trigger_configuration(self) -> None:
        """Called by rqt for its gear: another store."""
        self._panel.choose_store()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """`rqt --standalone wvl_robot --args --store DIR --author NAME`; others' words are theirs."""
    parser = argparse.ArgumentParser(prog="wvl label panel", add_help=False)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--author", default=getpass.getuser())
    return parser.parse_known_args(list(arguments))[0]
