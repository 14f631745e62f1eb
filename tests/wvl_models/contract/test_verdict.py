"""Codes on disk: a number that changes makes every recorded episode say something else."""

from wvl_models.contract.verdict import Reason, Verdict


def test_codes_are_never_renumbered() -> None:
    assert {verdict.name: verdict.value for verdict in Verdict} == {
        "PASS": 0,
        "CLAMP": 1,
        "REFUSE": 2,
    }
    known = {
        "NONE": 0,
        "MALFORMED": 1,
        "NOT_FINITE": 2,
        "STALE": 3,
        "EXPIRED": 4,
        "DUPLICATE": 5,
        "OUT_OF_ORDER": 6,
        "WRONG_POLICY_VERSION": 7,
        "WORKSPACE": 8,
        "TABLE": 9,
        "STEP_JUMP": 10,
        "LINEAR_SPEED": 11,
        "ANGULAR_SPEED": 12,
        "ORIENTATION": 13,
        "GRIPPER_RATE": 14,
        "ROBOT_NOT_READY": 15,
        "CAMERA_FAULT": 16,
        "NO_SETPOINT": 17,
    }
    assert {reason.name: reason.value for reason in Reason}.items() >= known.items()
