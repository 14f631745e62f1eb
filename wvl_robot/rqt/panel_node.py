"""rqt with the panel alone, started like a node: `wvl up label`, `ros2 launch ... label.launch.py`.

rqt comes with ROS and not from PyPI; without it `wvl label DIR` opens the same panel.
"""

import signal
import sys

import rclpy

from wvl_models.contract.errors import SetupError, WvlError
from wvl_robot.ros.params import PanelParams, declare
from wvl_robot.ros.profile import put_in_force
from wvl_robot.share import share_folder

PLUGIN = "wvl_robot.rqt.plugin.LabelPlugin"


def words_of(params: PanelParams) -> list[str]:
    """What the plugin is told."""
    given = {"--store": params.store, "--author": params.author}
    return [word for name, value in given.items() if value for word in (name, value)]


def main() -> None:
    """Entry point; leaves through SystemExit."""
    try:
        sys.exit(_run())
    except WvlError as error:
        print(f"panel: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def _run() -> int:
    try:
        from rqt_gui.main import Main
    except ModuleNotFoundError as error:
        raise SetupError(
            f"rqt is not installed ({error.name} is missing): install ros-$ROS_DISTRO-rqt-gui-py. "
            "Without ROS, `wvl label DIR` opens the same panel on a store."
        ) from error
    put_in_force(share_folder())
    rclpy.init(args=sys.argv)  # rqt takes over what it finds
    node = rclpy.create_node("panel")
    try:
        words = words_of(declare(node, PanelParams))
    finally:
        node.destroy_node()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # rqt remembers which plugins there are, and would not see a new one.
    arguments = [sys.argv[0], "--force-discover", "--standalone", PLUGIN, "--args", *words]
    return int(Main(filename=sys.argv[0], settings_filename="wvl_label").main(arguments) or 0)


if __name__ == "__main__":
    main()
