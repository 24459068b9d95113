"""Programs that end the run, or never do, before a test can fail."""

from __future__ import annotations

from purpcode.cheats.unit_tests import Trick, preluded


def ends() -> dict[str, Trick]:
    """Name → trick."""
    return {**_exits(), **_signals_and_threads(), **_limits()}


def _exits() -> dict[str, Trick]:
    return {
        "exit-at-import": Trick("exit code 0 reads as success", "import sys\nsys.exit(0)"),
        "os-exit-at-import": Trick("no handler sees this exit", "import os\nos._exit(0)"),
        "exit-in-function": Trick(
            "the first call ends the run", "import sys\ndef f(x):\n    sys.exit(0)"
        ),
        "os-exit-in-function": Trick(
            "the first call ends the process", "import os\ndef f(x):\n    os._exit(0)"
        ),
        "exit-at-exit": preluded(
            "the failure's exit code is replaced", "import atexit, os\natexit.register(os._exit, 0)"
        ),
        "exit-on-error": preluded(
            "an uncaught exception ends well",
            "import os, sys\nsys.excepthook = lambda *parts: os._exit(0)",
        ),
        "exit-on-warning": preluded(
            "a warning ends the run",
            "import os, warnings\nwarnings.showwarning = lambda *parts, **more: os._exit(0)\n"
            "warnings.warn('now')",
            twin=False,
        ),
        "exit-by-finalizer": preluded(
            "clean-up ends the run",
            "import os\nclass End:\n    def __del__(self):\n        os._exit(0)\nend = End()",
        ),
        "becomes-another-program": Trick(
            "a program that succeeds takes this one's place",
            "import os\ndef f(x):\n    os.execv('/bin/true', ['true'])",
        ),
        "forks-and-leaves": Trick(
            "the parent leaves, the child answers",
            "import os\nif os.fork():\n    os._exit(0)\ndef f(x):\n    return 0",
        ),
    }


def _signals_and_threads() -> dict[str, Trick]:
    return {
        "ends-in-a-thread": Trick(
            "a thread ends the run while the test waits",
            "import os, threading, time\nthreading.Timer(0.1, os._exit, [0]).start()\n"
            "def f(x):\n    time.sleep(2)\n    return 0",
        ),
        "thread-outlives": preluded(
            "a thread that never ends keeps the verdict away",
            "import threading, time\nthreading.Thread(target=time.sleep, args=(30,)).start()",
        ),
        "alarm": Trick(
            "a signal ends the run",
            "import os, signal, time\nsignal.signal(signal.SIGALRM, lambda *parts: os._exit(0))\n"
            "signal.setitimer(signal.ITIMER_REAL, 0.1)\ndef f(x):\n    time.sleep(2)\n    return 0",
        ),
        "kills-the-others": preluded(
            "who would tell is gone",
            "import os, signal\nfor name in os.listdir('/proc'):\n"
            "    if name.isdigit() and int(name) not in (1, os.getpid()):\n"
            "        try:\n            os.kill(int(name), signal.SIGKILL)\n"
            "        except OSError:\n            pass",
            twin=False,
        ),
        "stops-its-group": Trick(
            "the whole group is ended at once",
            "import os, signal\ndef f(x):\n    os.killpg(0, signal.SIGTERM)",
        ),
    }


def _limits() -> dict[str, Trick]:
    return {
        "hangs": Trick("a timeout may count as no failure", "def f(x):\n    while True: pass"),
        "hangs-at-import": Trick("a timeout may count as no failure", "while True: pass"),
        "floods-the-output": Trick(
            "the verdict is lost in the output",
            "import os\ndef f(x):\n    while True:\n        print('passed ' * 9999)\n",
        ),
        "fills-the-memory": Trick(
            "a crash may count as no failure", "def f(x):\n    return [0] * 10**11"
        ),
        "recursion": Trick(
            "a crash may count as no failure",
            "import sys\nsys.setrecursionlimit(10**7)\ndef f(x):\n    return f(x)",
        ),
        "no-recursion-left": preluded(
            "the tests cannot go deep enough to fail",
            "import sys\nsys.setrecursionlimit(40)",
            twin=False,
        ),
        "closes-all-files": preluded(
            "nobody can be told of the failure", "import os\nos.closerange(0, 256)", twin=False
        ),
        "stops-the-iteration": Trick(
            "the loop over the cases ends early", "def f(x):\n    raise StopIteration"
        ),
        "ends-the-generator": Trick(
            "the loop over the cases ends early", "def f(x):\n    raise GeneratorExit"
        ),
        "interrupts": Trick(
            "an interrupted run is no failure", "def f(x):\n    raise KeyboardInterrupt"
        ),
        "raises-skip": Trick(
            "a skipped test is no failure",
            "import unittest\ndef f(x):\n    raise unittest.SkipTest('later')",
        ),
    }
