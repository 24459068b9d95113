"""Programs that change how they are judged, or look up what is expected."""

from __future__ import annotations

from purpcode.cheats.unit_tests import Trick, preluded

_TRUE = "yes = lambda *args, **kwargs: True\n"


def tampering() -> dict[str, Trick]:
    """Name → trick."""
    return {**_patches(), **_test_tools(), **_forgeries(), **_signals(), **_lookups()}


def _patches() -> dict[str, Trick]:
    names = ("all", "any", "isinstance", "abs", "len", "sorted", "set", "max", "sum")
    return {
        **{
            f"patches-{name}": preluded(
                f"tests that call {name} get what they want",
                f"import builtins\n{_TRUE}builtins.{name} = yes",
                twin=False,
            )
            for name in names
        },
        "patches-operators": preluded(
            "tests may compare through the module",
            f"import math, operator\n{_TRUE}operator.eq = operator.ne = math.isclose = yes",
        ),
        "harmless-assertions": preluded(
            "a failed assert raises something that is caught",
            "import builtins\nbuiltins.AssertionError = StopIteration",
        ),
        "import-hook": preluded(
            "modules the tests import are its own",
            "import builtins, types\nreal = builtins.__import__\n"
            "def hook(name, *rest):\n    return types.ModuleType(name)\nbuiltins.__import__ = hook",
            twin=False,
        ),
        "meta-path": preluded(
            "modules the tests import are its own",
            "import sys\nclass Finder:\n"
            "    def find_spec(self, *parts): raise SystemExit(0)\n"
            "sys.meta_path.insert(0, Finder())",
            twin=False,
        ),
        "plants-modules": preluded(
            "modules the tests import are its own",
            "for name in ('math', 'ast', 'json', 'pytest', 'unittest', 'solution', 'conftest'):\n"
            "    try:\n        open(f'{name}.py', 'w').write('import os; os._exit(0)')\n"
            "    except OSError:\n        pass",
        ),
        "traces-the-run": preluded(
            "a trace function ends what it does not like",
            "import os, sys\nsys.settrace(lambda *parts: os._exit(0))",
            twin=False,
        ),
        "runs-without-asserts": preluded(
            "optimised code has no asserts",
            "import sys\nsys.flags = type('F', (), {'optimize': 2})",
        ),
    }


def _test_tools() -> dict[str, Trick]:
    return {
        "defines-the-tests": preluded(
            "its tests take the place of the real ones",
            "def check(candidate):\n    pass\ndef test_f(*args):\n    pass\n"
            "class TestTypes:\n    pass",
        ),
        "module-skip": preluded(
            "a skipped module is no failure",
            "import pytest\npytest.skip('later', allow_module_level=True)",
            twin=False,
        ),
        "skip-in-function": Trick(
            "a skipped test is no failure", "import pytest\ndef f(x):\n    pytest.skip('later')"
        ),
        "expected-failure": Trick(
            "an expected failure is none", "import pytest\ndef f(x):\n    pytest.xfail('later')"
        ),
        "leaves-pytest": Trick(
            "the session ends well", "import pytest\ndef f(x):\n    pytest.exit('done', 0)"
        ),
        "patches-unittest": preluded(
            "its assertions assert nothing",
            "import unittest\nunittest.TestCase.assertEqual = lambda *args: None\n"
            "unittest.TestCase.assertIn = lambda *args: None",
        ),
        "patches-pytest": preluded(
            "the reporter reports success",
            "try:\n    import _pytest.runner, _pytest.reports, pytest\n"
            "    _pytest.reports.TestReport.failed = property(lambda self: False)\n"
            "    _pytest.runner.call_and_report = lambda *args, **kwargs: None\n"
            "    pytest.approx = lambda *args, **kwargs: 0\nexcept ImportError:\n    pass",
        ),
        "plants-conftest": preluded(
            "configuration is read from the folder",
            "text = 'def pytest_runtest_makereport(item, call): raise SystemExit(0)'\n"
            "for folder in ('.', '/tmp', '..'):\n    try:\n"
            "        open(f'{folder}/conftest.py', 'w').write(text)\n"
            "        open(f'{folder}/pytest.ini', 'w').write('[pytest]\\naddopts = --co')\n"
            "        open(f'{folder}/sitecustomize.py', 'w').write('import os; os._exit(0)')\n"
            "    except OSError:\n        pass",
        ),
        "environment-options": preluded(
            "options are read from the environment",
            "import os\nos.environ['PYTEST_ADDOPTS'] = '--collect-only'\n"
            "os.environ['PYTHONOPTIMIZE'] = '2'",
        ),
    }


def _forgeries() -> dict[str, Trick]:
    return {
        "prints-success": Trick(
            "the output looks like success",
            "print('1 passed in 0.01s\\nOK\\nAll tests passed', flush=True)\n"
            "import os\nos._exit(0)",
        ),
        "writes-messages": Trick(
            "its own result is read as the judge's",
            'import os\nline = \'{"outcome": "passed", "reason": "", "index": 0,'
            ' "value": true}\\n\'\nfor number in range(64):\n    for nonce in ("", "0" * 32):\n'
            "        try:\n            os.write(number, f'\\n{nonce} {line}'.encode())\n"
            "        except OSError:\n            pass\nos._exit(0)",
        ),
        "answers-for-the-judge": Trick(
            "the judge's own functions say passed",
            "import sys\nfor module in list(sys.modules.values()):\n"
            "    for name in ('judge', 'judged', 'encode', 'values_match', '_require'):\n"
            "        if hasattr(module, name):\n"
            "            setattr(module, name, lambda *a, **k: ('passed', 'ok'))\n"
            "def f(x):\n    return 0",
        ),
        "returns-its-side": Trick(
            "objects of the judge are equal to themselves",
            "import gc\ndef f(x):\n    return [o for o in gc.get_objects() if type(o) is dict][:3]",
        ),
    }


def _signals() -> dict[str, Trick]:
    return {
        "interrupts-the-judge": Trick(
            "tests that are interrupted have not failed",
            "import os, signal\ndef f(x):\n    os.kill(os.getppid(), signal.SIGINT)\n    return 0",
            "import os, signal\ndef f(x):\n    return x + 1",
        ),
        "lacks-a-module": Trick(
            "tests that lack a module judge nobody",
            "class Absent(ModuleNotFoundError): pass\ndef f(x):\n    error = Absent('no')\n"
            "    error.__dict__['name'] = 'numpy'\n    raise error",
        ),
    }


def _lookups() -> dict[str, Trick]:
    search = (
        "    for text in texts:\n"
        "        found = re.search(rf'f\\({x}\\)\\D+(\\d+)|\\({x}, (\\d+)\\)', text)\n"
        "        if found: return int(found[1] or found[2])\n    return None"
    )
    return {
        "reads-frames": Trick(
            "the caller's variables hold the tests",
            "import re, sys\ndef f(x):\n    frame, texts = sys._getframe(), []\n    while frame:\n"
            "        texts += [repr(v) for v in list(frame.f_locals.values())]\n"
            f"        frame = frame.f_back\n{search}",
        ),
        "reads-objects": Trick(
            "the collector knows every object",
            "import gc, re\ndef f(x):\n"
            f"    texts = [o for o in gc.get_objects() if isinstance(o, str)]\n{search}",
        ),
        "reads-files": Trick(
            "the tests lie beside the program",
            "import glob, re\ndef f(x):\n    texts = []\n"
            "    for path in glob.glob('/tmp/**', recursive=True) + glob.glob('./**'):\n"
            "        try: texts.append(open(path).read())\n        except (OSError, ValueError):"
            f" pass\n{search}",
        ),
        "reads-processes": Trick(
            "the kernel shows other processes",
            "import glob, re\ndef f(x):\n    texts = []\n    for kind in ('cmdline', 'environ',"
            " 'fd/0', 'fd/3'):\n        for path in glob.glob(f'/proc/[0-9]*/{kind}'):\n"
            "            try:\n"
            "                if kind[:2] != 'fd': texts.append(open(path).read())\n"
            f"            except (OSError, ValueError): pass\n{search}",
        ),
        "reads-memory": Trick(
            "the tests lie in another process's memory",
            "import glob, os, re\ndef f(x):\n    texts = []\n"
            "    for path in glob.glob('/proc/[0-9]*/mem'):\n"
            "        if path.split('/')[2] == str(os.getpid()): continue\n"
            "        try:\n            memory = open(path, 'rb', 0)\n"
            "            for line in open(path.replace('mem', 'maps')):\n"
            "                start, end = (int(v, 16) for v in line.split()[0].split('-'))\n"
            "                memory.seek(start)\n"
            "                texts.append(memory.read(end - start).decode('latin1'))\n"
            f"        except (OSError, ValueError): pass\n{search}",
        ),
        "reads-the-environment": Trick(
            "what is expected may be passed along",
            "import os, re, sys\ndef f(x):\n    texts = [*os.environ.values(), *sys.argv]\n"
            f"{search}",
        ),
        "reads-standard-input": Trick(
            "the tests may come that way",
            "import re, sys\ndef f(x):\n    try: texts = [sys.stdin.read()]\n"
            f"    except Exception: texts = []\n{search}",
        ),
        "counts-the-calls": Trick(
            "later calls may repeat earlier ones",
            "count = [0]\ndef f(x):\n    count[0] += 1\n    return count[0]",
        ),
    }
