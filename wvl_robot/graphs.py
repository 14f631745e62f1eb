"""The graphs: which nodes with which parameters make teleop_collect, deploy_policy, and so on.

Plain data, read by `wvl up`, by the launch files and by a test.
"""

from collections.abc import Mapping
from dataclasses import replace

from wvl_robot.graph_spec import Argued, Argument, Graph, NodeSpec, Value

RIG = Argument(name="rig", default="virtual", description="Rig file below config/rig.")
HOST = Argument(
    name="host",
    default="",
    description="Address of the robot instead of the rig file's; the virtual cell serves loopback.",
)
TASK = Argument(name="task", default="lift_cube", description="Task file below config/task.")
STORE = Argument(
    name="store", default="data/episodes", description="Episode store; made where there is none."
)
REGISTRY = Argument(name="registry", default="data/registry", description="Model registry.")
POLICY = Argument(
    name="policy", default="", description="Version to serve; empty: the registry's current one."
)
POLICY_NODE = Argument(
    name="policy_node",
    default="here",
    description="Where the policy runs; elsewhere: `wvl up serve_policy` on a machine with a GPU.",
    choices=("here", "elsewhere"),
)
NUM_EPISODES = Argument(
    name="num_episodes",
    default="0",
    description="Record so many episodes on the virtual cell and end; 0: wait for an operator.",
)
SEED = Argument(name="seed", default="0", description="Seed of the first reset.")
SEEDS = Argument(
    name="seeds", default="", description="Seeds of the resets, e.g. 3,4,7, instead of a number."
)
SWAP_TO = Argument(
    name="swap_to", default="", description="Version to swap in before the seeds_after episodes."
)
SEEDS_AFTER = Argument(
    name="seeds_after", default="", description="Seeds of the episodes after the swap."
)
REPORT = Argument(name="report", default="", description="JSON file written at the end.")
DEVICES = ("spacemouse", "gamepad", "keyboard", "joy")
"""Teleoperation devices in a person's hand; joy: whoever publishes teleop/joy."""

READ_DEVICES = ("spacemouse", "gamepad")
"""Those that the graph itself reads: a keyboard needs a terminal, `wvl teleop keyboard`."""

TELEOP = Argument(
    name="teleop",
    default="scripted",
    description="Who drives: scripted plays a person on the virtual cell; joy: any teleop/joy.",
    choices=("scripted", *DEVICES, "none"),
)
TAKE_OVER = Argument(
    name="teleop",
    default="none",
    description="Device with which a person may take over from the policy at any time.",
    choices=("none", *DEVICES),
)
TELEOP_PROFILE = Argument(
    name="teleop_profile",
    default="",
    description="Layout below config/teleop; empty: the device's own (for joy: gamepad).",
)
TELEOP_MODEL = Argument(
    name="teleop_model",
    default="",
    description="Which SpaceMouse or gamepad, where several are plugged in.",
)
NEAR_SHARE = Argument(
    name="near_share",
    default="0.0",
    description="Share of the scripted operator's attempts that are meant to miss.",
)
AIM_SIGMA = Argument(
    name="aim_sigma_m", default="0.004", description="Spread of the scripted operator's aim (m)."
)
CAMERA_RECORD = Argument(
    name="camera_record",
    default="",
    description="New *.db3 file for the camera's raw stream, by its SDK; empty: none.",
)
CAMERA_PLAYBACK = Argument(
    name="camera_playback",
    default="",
    description="*.db3 file that is played in place of the camera; empty: none.",
)
OPERATOR = Argument(name="operator", default="", description="Name written into every episode.")
COMMIT = Argument(name="commit", default="", description="Software revision written likewise.")
REVIEWED = Argument(
    name="store", default="data/episodes", description="Episode store to review and label."
)
AUTHOR = Argument(
    name="author", default="", description="Who signs the labels; empty: the user's name."
)
NODES = Argument(
    name="nodes",
    default="",
    description="Folder of <node>.yaml parameter files; empty: config/nodes.",
)
AUTOSTART = Argument(
    name="autostart",
    default="true",
    description="Activate every node at once; false: wait for the lifecycle services.",
)
LEARN_COMMAND = Argument(
    name="command", default="", description="What runs a stage; empty: `wvl loop stage`."
)

_NODE_ARGUMENTS = (NODES, AUTOSTART)
"""What every graph of managed nodes has."""

WHETHER_AUTOSTART = Argued(argument="autostart", kind=bool)

_RIG = {"rig": Argued(argument="rig"), "host": Argued(argument="host")}
_CELL = NodeSpec(
    name="cell", parameters={**_RIG, "task": Argued(argument="task")}, is_virtual_only=True
)
_ROBOT = NodeSpec(name="robot", parameters=_RIG)
_CAMERA = NodeSpec(
    name="camera",
    parameters={
        **_RIG,
        "record": Argued(argument="camera_record", is_path=True),
        "playback": Argued(argument="camera_playback", is_path=True),
    },
)
_SESSION = {
    **_RIG,
    "task": Argued(argument="task"),
    "store": Argued(argument="store", is_path=True),
    "operator": Argued(argument="operator"),
    "commit": Argued(argument="commit"),
    "teleop": Argued(argument="teleop"),
    "teleop_profile": Argued(argument="teleop_profile"),
}
_TELEOP = NodeSpec(
    name="teleop",
    parameters={
        "device": Argued(argument="teleop"),
        "model": Argued(argument="teleop_model"),
    },
    when=("teleop", READ_DEVICES),
)
_TELEOP_SESSION = NodeSpec(
    name="session",
    parameters={
        **_SESSION,
        "pilot": "teleop",
        "near_share": Argued(argument="near_share", kind=float),
        "aim_sigma_m": Argued(argument="aim_sigma_m", kind=float),
    },
)
_POLICY_SESSION = NodeSpec(name="session", parameters={**_SESSION, "pilot": "policy"})
_SERVED_POLICY = NodeSpec(
    name="policy",
    parameters={
        **_RIG,
        "registry": Argued(argument="registry", is_path=True),
        "policy": Argued(argument="policy"),
    },
    is_restarted=True,
)
_POLICY = replace(_SERVED_POLICY, when=("policy_node", ("here",)))
_PANEL = NodeSpec(
    name="panel",
    parameters={
        "store": Argued(argument="store", is_path=True),
        "author": Argued(argument="author"),
    },
    is_panel=True,
)
_LEARNER = NodeSpec(name="learner", parameters={"command": Argued(argument="command")})
_CAMPAIGN = {
    "rig": Argued(argument="rig"),
    "num_episodes": Argued(argument="num_episodes", kind=int),
    "seed": Argued(argument="seed", kind=int),
    "seeds": Argued(argument="seeds"),
    "report": Argued(argument="report", is_path=True),
}
_TELEOP_CAMPAIGN = NodeSpec(name="campaign", parameters=_CAMPAIGN, is_campaign=True)
_POLICY_CAMPAIGN = NodeSpec(
    name="campaign",
    parameters={
        **_CAMPAIGN,
        "is_policy": True,
        "swap_to": Argued(argument="swap_to"),
        "seeds_after": Argued(argument="seeds_after"),
    },
    is_campaign=True,
)
_CAMPAIGN_ARGUMENTS = (NUM_EPISODES, SEED, SEEDS, REPORT)
_RIG_ARGUMENTS = (
    *(RIG, HOST, TASK, STORE, OPERATOR, COMMIT, CAMERA_RECORD, CAMERA_PLAYBACK),
    *_NODE_ARGUMENTS,
)
_DEVICE_ARGUMENTS = (TELEOP_PROFILE, TELEOP_MODEL)
_POLICY_ARGUMENTS = (
    *(REGISTRY, POLICY, POLICY_NODE, TAKE_OVER, *_DEVICE_ARGUMENTS),
    *(*_CAMPAIGN_ARGUMENTS, SWAP_TO, SEEDS_AFTER),
)

GRAPHS: Mapping[str, Graph] = {
    graph.name: graph
    for graph in (
        Graph(
            name="teleop_collect",
            description="A person, or the scripted operator, records episodes.",
            arguments=(
                *(*_RIG_ARGUMENTS, TELEOP, *_DEVICE_ARGUMENTS),
                *(NEAR_SHARE, AIM_SIGMA, *_CAMPAIGN_ARGUMENTS),
            ),
            nodes=(_CELL, _ROBOT, _CAMERA, _TELEOP, _TELEOP_SESSION, _TELEOP_CAMPAIGN),
        ),
        Graph(
            name="deploy_policy",
            description="A policy of the registry drives the arm; its episodes are recorded.",
            arguments=(*_RIG_ARGUMENTS, *_POLICY_ARGUMENTS),
            nodes=(_CELL, _ROBOT, _CAMERA, _TELEOP, _POLICY, _POLICY_SESSION, _POLICY_CAMPAIGN),
        ),
        Graph(
            name="serve_policy",
            description="The policy alone, for a deploy_policy whose policy_node is elsewhere.",
            arguments=(RIG, HOST, REGISTRY, POLICY, *_NODE_ARGUMENTS),
            nodes=(_SERVED_POLICY,),
        ),
        Graph(
            name="label",
            description="rqt with the labelling panel, for a graph that runs and for a store.",
            arguments=(REVIEWED, AUTHOR),
            nodes=(_PANEL,),
        ),
        Graph(
            name="learner",
            description="Stages of the loop on request, through the action learner/learn.",
            arguments=(LEARN_COMMAND, *_NODE_ARGUMENTS),
            nodes=(_LEARNER,),
        ),
        Graph(
            name="closed_loop",
            description="deploy_policy and learner together: the whole circle on one machine.",
            arguments=(*_RIG_ARGUMENTS, *_POLICY_ARGUMENTS, LEARN_COMMAND),
            nodes=(
                *(_CELL, _ROBOT, _CAMERA, _TELEOP),
                *(_POLICY, _POLICY_SESSION, _LEARNER, _POLICY_CAMPAIGN),
            ),
        ),
    )
}

VIRTUAL_PATIENCE_S = 120.0
"""The virtual cell's robot and camera come up seconds after the nodes that use them; a rig's are
there or are not."""

ON_THE_VIRTUAL_RIG: Mapping[str, Mapping[str, Value]] = {
    "robot": {"patience_s": VIRTUAL_PATIENCE_S},
    "camera": {"patience_s": VIRTUAL_PATIENCE_S},
    "session": {"max_sample_age_s": 1.0, "max_teleop_age_s": 0.5, "policy_patience_s": 20.0},
}
"""What nodes are given on the virtual rig alone, where robot, renderer, policy and a training may
share one machine; frames that come late are recorded as what they are, with their stamps."""
