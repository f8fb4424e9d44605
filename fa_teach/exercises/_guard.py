"""Call code that is not ours: without its noise, and not for ever."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np


class TimeUp(BaseException):
    """The time is up. No ``Exception``, so that a learner's own ``except Exception`` does not swallow it."""


class Nowhere(io.TextIOWrapper):
    """A stream that leads nowhere, and remembers whether anything was printed into it."""

    printed = False

    def write(self, text: str, /) -> int:
        """Write, and remember."""
        self.printed = self.printed or bool(text.strip())
        return super().write(text)


@contextmanager
def quiet() -> Iterator[Nowhere]:
    """Swallow what is printed, and all warnings: any word on stderr would cost a student the marks in nbgrader."""
    with (
        Nowhere(Path(os.devnull).open("wb"), encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield nowhere


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in the code inside when the time is up.

    In the main thread of Linux and macOS, which includes a notebook's kernel there, an alarm of the system does it: it
    also ends ``time.sleep``. Elsewhere (Windows, Pyodide, other threads) a trace function looks at the clock at each
    line of Python: that ends loops, but not a single call that never returns. Neither can end a loop that catches
    ``BaseException`` each time round; for that a grader has its own limit.
    """
    main = threading.current_thread() is threading.main_thread()
    limit = _alarm if main and hasattr(signal, "setitimer") and sys.platform != "emscripten" else _trace
    with limit(seconds):
        yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)  # again and again, in case the first is caught
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _trace(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise TimeUp
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)
