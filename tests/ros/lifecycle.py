"""Drives managed nodes over the standard services, as `ros2 lifecycle set` does."""

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState

from tests.ros.client import Client
from wvl_robot.ros.topics import Endpoint

CONFIGURE, CLEANUP = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP
ACTIVATE, DEACTIVATE = Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE


def change(client: Client, node: str, *transitions: int) -> bool:
    """Whether all of them were made."""
    endpoint = Endpoint(name=f"{node}/change_state", kind=ChangeState)
    return all(
        client.call(endpoint, transition=Transition(id=number)).success for number in transitions
    )


def state(client: Client, node: str) -> str:
    """The node's state in words."""
    endpoint = Endpoint(name=f"{node}/get_state", kind=GetState)
    return str(client.call(endpoint).current_state.label)
