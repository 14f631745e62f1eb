"""A node whose supervisor was killed ends, too: nobody could stop it from the console any more.

`wvl up` and the launch files put their process id into the environment of what they start.
"""

import logging
import os
import select
import signal
import threading

_LOG = logging.getLogger(__name__)

VARIABLE = "WVL_SUPERVISOR"


def end_with_supervisor() -> None:
    """Have this process told to end (SIGTERM) when its supervisor is gone; at most once."""
    try:
        supervisor = os.pidfd_open(int(os.environ[VARIABLE]))
    except KeyError:
        return  # started by hand
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGTERM)
        return
    except (ValueError, OSError) as error:
        _LOG.warning("%s=%s cannot be watched: %s", VARIABLE, os.environ[VARIABLE], error)
        return

    def watch() -> None:
        select.select([supervisor], [], [])
        _LOG.warning("whoever started this node is gone; it ends")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()
