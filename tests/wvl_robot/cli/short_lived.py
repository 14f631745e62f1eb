"""Programs for the supervisor's tests: `python -m tests.wvl_robot.cli.short_lived` does what
parameter `act` says.
"""

import sys
import time

act = next(word for word in sys.argv if word.startswith("act:=")).removeprefix("act:=").strip('"')
print(f"here to {act}", flush=True)
if act == "stay":
    while True:
        time.sleep(0.1)
if act == "fail":
    time.sleep(0.5)
    print("last words", flush=True)
    sys.exit(3)
if act == "refuse":
    print("refuser: the table is wet.", file=sys.stderr, flush=True)
    sys.exit(1)
