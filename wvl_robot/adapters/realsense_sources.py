"""Where a RealSense colour stream comes from: a D435 on a USB port, a software device, a file.

A real device is opened by its serial number through a pipeline; a software device (virtual cell,
tests) through its sensor, because a pipeline cannot find one (facts/robot_peers.md section 4). Each
can be recorded by the SDK while it streams, and a recording be played back as a source: `.db3`
files (rosbag2), the one format of SDK 2.59.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wvl_models.contract.errors import CameraError, SetupError
from wvl_robot.rig.config import CameraConfig

if TYPE_CHECKING:
    import pyrealsense2 as rs

_LOG = logging.getLogger(__name__)

SENSOR_NAME = "RGB Camera"
"""Colour options belong to this sensor; the first one of a D435 is the stereo module, which is
what HIL-SERL locks by mistake (facts/robot_peers.md section 1)."""


RECORDING_SUFFIX = ".db3"


class FrameSource(Protocol):
    """Something that fills an SDK frame queue with colour frames."""

    @property
    def has_options(self) -> bool:
        """Whether exposure and the like can be set; a recording's were set long ago."""
        ...

    def start(self, queue: "rs.frame_queue") -> "rs.stream_profile":
        """Start streaming into `queue`; raises CameraError when the device is not there."""
        ...

    def restart(self, queue: "rs.frame_queue") -> bool:
        """Look for a device that has fallen silent; True when it streams anew."""
        ...

    def device(self) -> "rs.device":
        """The started device."""
        ...

    def stop(self) -> None:
        """Stop streaming; never raises."""
        ...


class D435Source:
    """A D435 on a USB port, by serial number."""

    has_options = True

    def __init__(self, config: CameraConfig, record_to: Path | None = None) -> None:
        """`record_to`: a new file; every reconnection begins another one beside it."""
        self._config, self._record_to = config, record_to
        self._pipeline: rs.pipeline | None = None
        self._profile: Any = None  # rs.pipeline_profile; pyrealsense2 has no usable stubs

    def start(self, queue: "rs.frame_queue") -> "rs.stream_profile":
        """Start the colour stream; raises CameraError that lists the cameras that are there."""
        sdk, c = import_sdk(), self._config
        devices = [
            device.get_info(sdk.camera_info.serial_number)
            for device in sdk.context().query_devices()
        ]
        if c.serial not in devices:
            there = ", ".join(devices) or "none"
            raise CameraError(
                f"no RealSense camera with serial {c.serial} (connected: {there}). Correct "
                "camera.serial in the rig file, or plug the camera in."
            )
        choice = sdk.config()
        choice.enable_device(c.serial)
        choice.enable_stream(sdk.stream.color, c.width, c.height, sdk.format.rgb8, c.rate_hz)
        if self._record_to is not None:
            choice.enable_record_to_file(str(_new_recording(self._record_to)))
        self._pipeline = sdk.pipeline()
        try:
            self._profile = self._pipeline.start(choice, queue)
        except RuntimeError as error:
            self._pipeline = None
            raise CameraError(
                f"camera {c.serial} does not stream {c.width}x{c.height} at {c.rate_hz} Hz: "
                f"{error}. Is another program using it, or is it on a USB 2 port?"
            ) from error
        device = self._profile.get_device()
        if device.supports(sdk.camera_info.usb_type_descriptor):
            usb = device.get_info(sdk.camera_info.usb_type_descriptor)
            if not usb.startswith("3"):
                _LOG.warning("camera %s is on USB %s; use a USB 3 port and cable", c.serial, usb)
        return self._profile.get_stream(sdk.stream.color)

    def restart(self, queue: "rs.frame_queue") -> bool:
        """Close whatever is left of the pipeline and start it again."""
        self.stop()
        self.start(queue)
        return True

    def device(self) -> "rs.device":
        """The pipeline's."""
        return self._profile.get_device()

    def stop(self) -> None:
        """Stop the pipeline; a device that was pulled out makes that fail, which is fine."""
        if self._pipeline is None:
            return
        try:
            self._pipeline.stop()
        except RuntimeError as error:
            _LOG.debug("while stopping the pipeline: %s", error)
        self._pipeline = None


class SoftwareSource:
    """A software device that somebody else feeds; it is never away, only silent."""

    has_options = True

    def __init__(
        self, device: "rs.software_device", config: CameraConfig, record_to: Path | None = None
    ) -> None:
        """`record_to`: a new file."""
        self._config = config
        self._device: Any = device  # rs.device
        if record_to is not None:
            self._device = import_sdk().recorder(str(_new_recording(record_to)), device)
        self._is_started = False

    def start(self, queue: "rs.frame_queue") -> "rs.stream_profile":
        """Open the colour profile of the rig's size and stream into `queue`."""
        self._check_serial()
        sensor, c = colour_sensor(self._device, self._config.serial), self._config
        profiles = [p.as_video_stream_profile() for p in sensor.get_stream_profiles()]
        profile = next(
            (p for p in profiles if (p.width(), p.height()) == (c.width, c.height)), None
        )
        if profile is None:
            sizes = ", ".join(f"{p.width()}x{p.height()}" for p in profiles)
            raise CameraError(
                f"camera {c.serial} has no {c.width}x{c.height} stream (it has {sizes})."
            )
        sensor.open(profile)
        sensor.start(queue)
        self._is_started = True
        return profile

    def _check_serial(self) -> None:
        """A device without a number is one of a test."""
        serial = import_sdk().camera_info.serial_number
        there = self._device.get_info(serial) if self._device.supports(serial) else ""
        if there not in ("", self._config.serial):
            raise CameraError(
                f"the rig's camera is {self._config.serial}, but {there} is there. Were two "
                "cameras swapped? Correct camera.serial in the rig file, or the cables."
            )

    def restart(self, queue: "rs.frame_queue") -> bool:
        """Nothing to do: whoever feeds the device will feed it again."""
        return False

    def device(self) -> "rs.device":
        """The one it was given, or the recorder around it."""
        return self._device

    def stop(self) -> None:
        """Stop and close the sensor."""
        if self._is_started:
            sensor = colour_sensor(self._device, self._config.serial)
            sensor.stop()
            sensor.close()
            self._is_started = False


class RecordedSource:
    """A recording of the SDK, played back at the speed it was made; it ends in silence."""

    has_options = False

    def __init__(self, file: Path, config: CameraConfig, *, repeats: bool = False) -> None:
        """CameraError where `file` is none."""
        if file.suffix != RECORDING_SUFFIX or not file.is_file():
            raise CameraError(
                f"{file} is no recording: an existing *{RECORDING_SUFFIX} file was expected. "
                "`.bag` files of older SDKs are converted by rs-convert."
            )
        self._file, self._config, self._repeats = file, config, repeats
        self._pipeline: rs.pipeline | None = None
        self._profile: Any = None  # rs.pipeline_profile

    def start(self, queue: "rs.frame_queue") -> "rs.stream_profile":
        """Play from the beginning."""
        sdk = import_sdk()
        choice = sdk.config()
        choice.enable_device_from_file(str(self._file), repeat_playback=self._repeats)
        pipeline = sdk.pipeline()
        try:
            self._profile = pipeline.start(choice, queue)
        except RuntimeError as error:
            raise CameraError(
                f"{self._file} cannot be played: {error}. Was it recorded by this SDK, and was its "
                "recording ended?"
            ) from error
        self._pipeline = pipeline
        return self._profile.get_stream(sdk.stream.color)

    def restart(self, queue: "rs.frame_queue") -> bool:
        """What has ended stays ended."""
        return False

    def device(self) -> "rs.device":
        """What was recorded."""
        return self._profile.get_device()

    def stop(self) -> None:
        """Stop playing."""
        if self._pipeline is not None:
            self._pipeline.stop()
            self._pipeline = None


def import_sdk() -> Any:  # the SDK module; pyrealsense2 has no usable stubs
    """The SDK; raises SetupError where it cannot be loaded."""
    try:
        import pyrealsense2
    except ImportError as error:
        raise SetupError(
            f"pyrealsense2 cannot be loaded ({error}); on Debian and Ubuntu: "
            "apt install libusb-1.0-0 libudev1, then pip install pyrealsense2."
        ) from error
    return pyrealsense2


def colour_sensor(device: Any, serial: str) -> Any:  # rs.device -> rs.sensor
    """The sensor named "RGB Camera"; CameraError where there is none."""
    sdk = import_sdk()
    for sensor in device.query_sensors():
        if sensor.get_info(sdk.camera_info.name) == SENSOR_NAME:
            return sensor
    raise CameraError(f"camera {serial} has no sensor named '{SENSOR_NAME}'; is it a D435?")


def preset_sensor(device: Any, serial: str) -> Any:  # rs.device -> rs.sensor
    """The sensor that takes a visual preset: a D435's stereo module."""
    for sensor in device.query_sensors():
        if sensor.supports(import_sdk().option.visual_preset):
            return sensor
    raise CameraError(f"camera {serial} takes no visual preset; remove camera.visual_preset.")


def _new_recording(wanted: Path) -> Path:
    """`wanted`, or its first successor that does not exist: nothing is ever overwritten."""
    if wanted.suffix != RECORDING_SUFFIX:
        raise CameraError(f"a recording is called *{RECORDING_SUFFIX}, not {wanted.name}.")
    wanted.parent.mkdir(parents=True, exist_ok=True)
    number, file = 1, wanted
    while file.exists():
        number += 1
        file = wanted.with_stem(f"{wanted.stem}-{number}")
    return file
