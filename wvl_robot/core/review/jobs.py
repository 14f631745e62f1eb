"""Work that may wait for a disk, done in a thread; what becomes of it is heard in the caller's.

Nothing is called back from the thread: `poll` tells, in the thread that calls it.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from wvl_models.contract.errors import WvlError

ResultT = TypeVar("ResultT")


class Jobs:
    """One thread that does one piece of work after the other, in the order of asking."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running: list[tuple[Future[Any], Callable[[Any], None], Callable[[WvlError], None]]]
        self._running = []  # Any: each job has a result of its own type

    @property
    def num_running(self) -> int:
        """Jobs whose end `poll` has not told yet."""
        return len(self._running)

    def submit(
        self,
        work: Callable[[], ResultT],
        done: Callable[[ResultT], None],
        failed: Callable[[WvlError], None],
    ) -> None:
        """Have `work` done; `poll` calls `done` or, after a WvlError, `failed`."""
        self._running.append((self._executor.submit(work), done, failed))

    def poll(self) -> None:
        """Tell what has ended. Any error but a WvlError is a mistake of ours and comes out here."""
        while self._running and self._running[0][0].done():
            future, done, failed = self._running.pop(0)
            error = future.exception()
            if error is None:
                done(future.result())
            elif isinstance(error, WvlError):
                failed(error)
            else:
                raise error

    def settle(self) -> None:
        """Wait for everything that was asked for, and tell it."""
        wait([future for future, _, _ in self._running])
        self.poll()

    def close(self) -> None:
        """End the thread after the job that it is at; what was not begun is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
