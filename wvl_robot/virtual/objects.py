"""Things on the table: bodies that the tasks of the virtual cell put into the scene.

Everything is built from MuJoCo primitives. Contact bits: objects 2/3, gripper 1/2 (see the
scene file), so that objects meet the gripper, the table and each other, and nothing else.
"""

import math

import mujoco

_OBJECT_CONTACT = {"contype": 2, "conaffinity": 3}
_FRICTION = [0.35, 0.005, 0.0005]
_BOX = mujoco.mjtGeom.mjGEOM_BOX
_CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER


def _add_body(spec: mujoco.MjSpec, name: str, height_m: float) -> mujoco.MjsBody:
    """A free body whose origin stands `height_m` above the table."""
    body = spec.worldbody.add_body(name=name, pos=[0.45, 0.0, height_m])
    body.add_freejoint(name=f"{name}_joint")
    return body


def add_cube(
    spec: mujoco.MjSpec, name: str, half_m: float, rgba: tuple[float, float, float], mass_kg: float
) -> None:
    """A cube that stands on the table."""
    _add_body(spec, name, half_m).add_geom(
        name=f"{name}_geom",
        type=_BOX,
        size=[half_m] * 3,
        rgba=[*rgba, 1.0],
        mass=mass_kg,
        friction=_FRICTION,
        condim=4,
        **_OBJECT_CONTACT,
    )


def add_plate(spec: mujoco.MjSpec, name: str, radius_m: float) -> None:
    """A flat plate with a darker rim line, heavy enough not to slide under a mug."""
    body = _add_body(spec, name, 0.006)
    body.add_geom(
        name=f"{name}_geom",
        type=_CYLINDER,
        size=[radius_m, 0.006, 0.0],
        rgba=[0.90, 0.91, 0.94, 1.0],
        mass=0.5,
        friction=_FRICTION,
        **_OBJECT_CONTACT,
    )
    body.add_geom(
        type=_CYLINDER,
        pos=[0, 0, 0.0062],
        size=[radius_m * 0.72, 0.0002, 0.0],
        rgba=[0.35, 0.50, 0.72, 1.0],
        mass=0.0,
        contype=0,
        conaffinity=0,
    )


def add_goal(spec: mujoco.MjSpec, name: str, radius_m: float) -> None:
    """A flat disc painted on the table; a mocap body, so nothing can push it."""
    body = spec.worldbody.add_body(name=name, pos=[0.5, 0.0, 0.0006], mocap=True)
    body.add_geom(
        type=_CYLINDER,
        size=[radius_m, 0.0005, 0.0],
        rgba=[0.16, 0.62, 0.30, 1.0],
        contype=0,
        conaffinity=0,
    )


def add_mug(spec: mujoco.MjSpec, name: str, radius_m: float, height_m: float) -> None:
    """An open mug: eight wall panels, a bottom and a handle; its origin is half-way up."""
    body = _add_body(spec, name, height_m / 2)
    colour = [0.93, 0.77, 0.22, 1.0]
    shared = {"friction": _FRICTION, "condim": 4, "rgba": colour, **_OBJECT_CONTACT}
    num_panels, wall_m = 8, 0.003
    half_width_m = math.tan(math.pi / num_panels) * radius_m
    for k in range(num_panels):
        angle_rad = 2 * math.pi * k / num_panels
        body.add_geom(
            name=f"{name}_wall{k}",
            type=_BOX,
            pos=[
                (radius_m - wall_m) * math.cos(angle_rad),
                (radius_m - wall_m) * math.sin(angle_rad),
                0.0,
            ],
            size=[wall_m, half_width_m, height_m / 2],
            quat=[math.cos(angle_rad / 2), 0, 0, math.sin(angle_rad / 2)],
            mass=0.012,
            **shared,
        )
    body.add_geom(
        type=_CYLINDER,
        pos=[0, 0, -height_m / 2 + 0.003],
        size=[radius_m * 0.96, 0.003, 0],
        mass=0.04,
        **shared,
    )
    for z_m, half in ((0.018, (0.011, 0.004, 0.004)), (-0.018, (0.011, 0.004, 0.004))):
        body.add_geom(type=_BOX, pos=[radius_m + 0.010, 0, z_m], size=half, mass=0.003, **shared)
    body.add_geom(
        type=_BOX, pos=[radius_m + 0.020, 0, 0], size=[0.004, 0.004, 0.022], mass=0.004, **shared
    )
