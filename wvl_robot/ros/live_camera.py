"""The newest picture of the running camera, for a person to look at; no stamps, no order."""

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image

from wvl_models.contract.observation import U8
from wvl_robot.ros.topics import IMAGE


class RosLiveCamera:
    """Subscribes only while somebody looks; on a node that somebody else spins."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._subscription: object | None = None
        self._newest: U8 | None = None

    def newest(self) -> U8 | None:
        """[H, W, 3] RGB, the same object until there is a newer one; None before the first."""
        return self._newest

    def set_wanted(self, is_wanted: bool) -> None:
        """Begin or end to hear pictures."""
        if is_wanted and self._subscription is None:
            self._subscription = self._node.create_subscription(
                IMAGE.kind, IMAGE.name, self._on_image, IMAGE.qos
            )
        elif not is_wanted and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _on_image(self, image: Image) -> None:
        height, width = int(image.height), int(image.width)
        is_packed = image.step == 3 * width and len(image.data) == 3 * width * height
        if image.encoding == "rgb8" and is_packed:
            self._newest = np.frombuffer(image.data, dtype=np.uint8).reshape(height, width, 3)
