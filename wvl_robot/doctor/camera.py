"""The camera: is it there, on USB 3, with current firmware."""

from dataclasses import dataclass

from wvl_models.contract.errors import SetupError
from wvl_robot.adapters.realsense_sources import import_sdk
from wvl_robot.doctor.finding import Finding, fail, ok, warn
from wvl_robot.rig.config import CameraConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraFacts:
    """What the SDK says of a connected camera; empty where it says nothing."""

    name: str
    serial: str
    usb: str
    firmware: str
    recommended_firmware: str


def check_camera(config: CameraConfig, *, is_virtual: bool) -> list[Finding]:
    """Look at what is plugged in; nothing is started."""
    try:
        cameras = _connected()
    except SetupError as error:
        return [fail("camera", str(error), "install what it names")]
    if is_virtual:
        return [ok("camera", "the virtual cell's; the SDK loads")]
    found = next((camera for camera in cameras if camera.serial == config.serial), None)
    if found is None:
        there = ", ".join(f"{camera.name} {camera.serial}" for camera in cameras) or "none"
        return [
            fail(
                "camera",
                f"no camera {config.serial} (connected: {there})",
                "correct camera.serial in the rig file, or plug it in; without the udev rules of "
                "librealsense only root sees it",
            )
        ]
    return [judge_usb(found), judge_firmware(found)]


def judge_usb(camera: CameraFacts) -> Finding:
    """USB 2 carries fewer modes and drops frames."""
    if camera.usb.startswith("3"):
        return ok("camera USB", f"{camera.name} {camera.serial} on USB {camera.usb}")
    return fail(
        "camera USB",
        f"{camera.name} {camera.serial} on USB {camera.usb or 'of unknown kind'}",
        "use a USB 3 port (blue), the cable that came with it, and no hub",
    )


def judge_firmware(camera: CameraFacts) -> Finding:
    """The SDK knows which firmware it was made for."""
    if not camera.recommended_firmware or _number(camera.firmware) >= _number(
        camera.recommended_firmware
    ):
        return ok("camera firmware", camera.firmware)
    return warn(
        "camera firmware",
        f"{camera.firmware}, the SDK recommends {camera.recommended_firmware}",
        "update it with `rs-fw-update` or realsense-viewer",
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _connected() -> list[CameraFacts]:
    sdk = import_sdk()
    info = sdk.camera_info
    keys = {
        "name": info.name,
        "serial": info.serial_number,
        "usb": info.usb_type_descriptor,
        "firmware": info.firmware_version,
        "recommended_firmware": info.recommended_firmware_version,
    }
    return [
        CameraFacts(
            **{
                name: device.get_info(key) if device.supports(key) else ""
                for name, key in keys.items()
            }
        )
        for device in sdk.context().query_devices()
    ]
