"""What a node with a deadline does about Python and about the machine; in processes of their own,
for a priority is inherited by everything that is started later."""

import os
import subprocess
import sys

import pytest

from wvl_robot.rig.real_time import NODE_PRIORITY, TICK_PRIORITY
from wvl_robot.ros.timeliness import SWITCH_S

pytestmark = pytest.mark.ros

BEGINNING = """
import gc, logging, os, sys, threading
from wvl_robot.ros.timeliness import keep_time
logging.basicConfig(level=logging.INFO)
"""


def say(program: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip(), done.stderr


def may_have_a_priority() -> bool:
    program = f"import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param({NODE_PRIORITY}))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_threads_wait_a_tenth_of_a_millisecond_for_each_other() -> None:
    said, _ = say("keep_time(); print(sys.getswitchinterval())")
    assert float(said) == pytest.approx(SWITCH_S)


def test_what_is_there_already_is_left_out_of_every_later_collection() -> None:
    said, _ = say("import rclpy, numpy; keep_time(); print(gc.get_freeze_count())")
    assert int(said) > 10_000


def test_threads_of_before_and_after_have_a_realtime_priority_where_it_is_allowed() -> None:
    said, complaint = say("""
go_on = threading.Event()
before = threading.Thread(target=go_on.wait)
before.start()
keep_time()
after = threading.Thread(target=go_on.wait)
after.start()
print(*(os.sched_getscheduler(thread.native_id) for thread in (before, after)))
go_on.set()
""")
    if may_have_a_priority():
        assert said == f"{os.SCHED_RR} {os.SCHED_RR}"
        assert complaint == ""
    else:
        assert said == f"{os.SCHED_OTHER} {os.SCHED_OTHER}"
        assert "no real-time priority" in complaint


def test_who_may_not_have_it_goes_on_without() -> None:
    """Root gives its right up first."""
    said, complaint = say("""
import resource
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
if os.geteuid() == 0:
    os.setuid(65534)
keep_time()
print(os.sched_getscheduler(0))
""")
    assert said == str(os.SCHED_OTHER)
    assert "wvl doctor" in complaint


def test_the_thread_that_ticks_stays_above_the_others_of_its_process() -> None:
    program = f"""
from wvl_robot.rig.real_time import prioritise_thread
go_on, is_raised = threading.Event(), threading.Event()
def tick():
    prioritise_thread({TICK_PRIORITY})
    is_raised.set()
    go_on.wait()
ticking, other = threading.Thread(target=tick), threading.Thread(target=go_on.wait)
ticking.start()
other.start()
is_raised.wait()
keep_time()
print(*(os.sched_getparam(thread.native_id).sched_priority for thread in (ticking, other)))
go_on.set()
"""
    expected = (TICK_PRIORITY, NODE_PRIORITY) if may_have_a_priority() else (0, 0)
    assert say(program)[0] == " ".join(map(str, expected))


def test_memory_of_images_is_not_asked_of_the_system_again_for_every_image() -> None:
    program = """
import resource
keep_time()
def carry():
    copies = [b"x" * 3 * 640 * 480 for _ in range(6)]
carry()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    carry()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    num_pages = 3 * 640 * 480 // 4096
    assert int(say(program)[0]) < num_pages
    assert int(say(program.replace("keep_time()", ""))[0]) > 20 * num_pages
