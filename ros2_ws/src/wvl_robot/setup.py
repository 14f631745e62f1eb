"""wvl_robot as a ROS package (ament_python); names, versions and scripts come from pyproject.toml.

`project.toml` is a link to it, under a name that setuptools does not read by itself.
"""

import tomllib
from pathlib import Path

from setuptools import find_packages, setup

NAME = "wvl_robot"
WHOLE = tomllib.loads((Path(__file__).resolve().parent / "project.toml").read_text())
PROJECT, DATA = WHOLE["project"], WHOLE["tool"]["setuptools"]["package-data"]
SHARED = ("launch", "config", "calibration")


def ours(entries: dict[str, str]) -> list[str]:
    """Entry points whose code lies in this package."""
    return [f"{key} = {value}" for key, value in entries.items() if value.startswith(f"{NAME}.")]


def shared_files() -> list[tuple[str, list[str]]]:
    """Every file of the shared folders, at the same place below share/."""
    files = [p for folder in SHARED for p in sorted(Path(folder).rglob("*")) if p.is_file()]
    return [(f"share/{NAME}/{p.parent}", [str(p)]) for p in files if "__pycache__" not in p.parts]


groups = {group: ours(entries) for group, entries in PROJECT["entry-points"].items()}
setup(
    name=NAME,
    version=PROJECT["version"],
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={name: files for name, files in DATA.items() if name.partition(".")[0] == NAME},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml", "plugin.xml"]),
        *shared_files(),
    ],
    entry_points={
        **groups,
        "console_scripts": [*ours(PROJECT["scripts"]), *groups.get("wvl.nodes", [])],
    },
    zip_safe=False,
    maintainer=PROJECT["authors"][0]["name"],
    maintainer_email=PROJECT["authors"][0]["email"],
    description=PROJECT["description"],
    license=PROJECT["license"],
)
