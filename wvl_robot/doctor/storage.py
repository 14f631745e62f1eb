"""The disk below the episode store: room for an evening, and fast enough to keep up."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from wvl_robot.doctor.finding import Finding, fail, ok, warn

FRAME_BYTES, RATE_HZ = 640 * 480 * 3, 10.0

NEEDED_BYTES_PER_S = FRAME_BYTES * RATE_HZ
"""Raw 640x480 frames at the control rate: 9.2 MB/s; the store's compression only helps."""

SPARE = 3.0
"""A disk this much faster than needed does not stall a commit."""

HOUR_BYTES = round(NEEDED_BYTES_PER_S * 3600)

SAMPLE_BYTES, CHUNK_BYTES = 64 << 20, 1 << 20


def check_storage(store: Path) -> list[Finding]:
    """Room and speed where the store lies, or will lie; a sample is written and removed."""
    folder = store
    while not folder.is_dir():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return [fail("disk", f"{folder} cannot be written", "choose another store:= or change it")]
    findings = [judge_room(shutil.disk_usage(folder).free, folder)]
    if shutil.disk_usage(folder).free > 2 * SAMPLE_BYTES:
        findings.append(judge_speed(measure_bytes_per_s(folder), folder))
    return findings


def judge_room(free_bytes: int, folder: Path) -> Finding:
    """In hours of recording."""
    hours = free_bytes / HOUR_BYTES
    seen = f"{folder}: {free_bytes / 1e9:.0f} GB free, at least {hours:.1f} h of recording"
    mend = "free some space, or keep the store on another disk (store:=...)"
    if hours < 0.1:
        return fail("disk space", seen, mend)
    return warn("disk space", seen, mend) if hours < 2.0 else ok("disk space", seen)


def judge_speed(bytes_per_s: float, folder: Path) -> Finding:
    """Synced writing, as a commit does it."""
    seen = f"{folder}: {bytes_per_s / 1e6:.0f} MB/s synced, {NEEDED_BYTES_PER_S / 1e6:.0f} needed"
    mend = "keep the store on a local SSD, not on a network or USB disk"
    if bytes_per_s < NEEDED_BYTES_PER_S:
        return fail("disk speed", seen, mend)
    if bytes_per_s < SPARE * NEEDED_BYTES_PER_S:
        return warn("disk speed", seen, mend)
    return ok("disk speed", seen)


def measure_bytes_per_s(folder: Path) -> float:
    """Write random bytes and sync them."""
    chunk = os.urandom(CHUNK_BYTES)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".wvl-doctor-") as file:
        started_s = time.monotonic()
        for _ in range(SAMPLE_BYTES // CHUNK_BYTES):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
        return SAMPLE_BYTES / (time.monotonic() - started_s)
