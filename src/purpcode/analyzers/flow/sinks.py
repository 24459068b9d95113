"""Functions that outside data must not reach unchecked, by what they do with a text.

Rules about checks that do not hold look where a value goes after its check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.detectors import Sink
from purpcode.analyzers.flow.values import Value

Use = Literal["command", "path", "address", "query", "code"]


def _in_a_shell(call: Call) -> bool:
    shell = call.keywords.get("shell")
    return shell is not None and shell.const not in (False, None)


_VERBS = ("get", "post", "put", "delete", "head", "request")

SINKS: Final[Mapping[Use, tuple[Sink, ...]]] = {
    "command": (
        Sink(("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
              "asyncio.create_subprocess_shell", "*.exec_command"), (0, "cmd", "command")),
        Sink(("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.Popen",
              "subprocess.check_output"), (0, "args"), when=_in_a_shell),
    ),
    "path": (
        Sink(("open", "os.open", "os.remove", "os.unlink", "os.listdir", "shutil.rmtree",
              "flask.send_file", "django.http.FileResponse", "aiohttp.web.FileResponse"),
             (0, "file", "path", "path_or_file")),
        Sink(("pathlib.Path().open", "pathlib.Path().read_text", "pathlib.Path().read_bytes",
              "pathlib.Path().write_text", "pathlib.Path().write_bytes", "pathlib.Path().unlink"),
             (), receiver=True),
    ),
    "address": (
        Sink((*(f"requests.{one}" for one in _VERBS), *(f"httpx.{one}" for one in _VERBS),
              "urllib.request.urlopen", "flask.redirect", "django.http.HttpResponseRedirect",
              "django.shortcuts.redirect", "fastapi.responses.RedirectResponse"), (0, "url")),
    ),
    "query": (Sink(("*.execute", "*.executescript", "sqlalchemy.text"), (0,),
                   holds=lambda value: value.built),),
    "code": (Sink(("eval", "exec"), (0,)),),
}  # fmt: skip


def sink_values(code: Code, *uses: Use) -> Iterator[tuple[Call, Value]]:
    """Every call of a sink with each value that matters in it (all uses when none are named)."""
    for use in uses or tuple(SINKS):
        for sink in SINKS[use]:
            for call in code.calls_to(sink.names):
                if sink.when is not None and not sink.when(call):
                    continue
                for value in sink.values(call):
                    if value.taints and (sink.holds is None or sink.holds(value)):
                        yield call, value
