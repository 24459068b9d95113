"""Main program in the sandbox for the data oracle: code and inputs go in, values come out.

No expected value is in here, so there is nothing to read and nothing to forge: a line that the
code under test prints in our name still has to carry the right value.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any, NoReturn

from purpcode.oracles.unit_testing.wire import decode, encode

_TEXT_CHARS = 200


def main() -> NoReturn:
    """Read the request, call the entry point on every input, print each value under the nonce."""
    request = json.loads(sys.stdin.buffer.read())
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    for index, answer in enumerate(answers(request)):
        os.write(out, f"{request['nonce']} {json.dumps({'index': index, **answer})}\n".encode())
        if "error" in answer:
            break
    os._exit(0)


def answers(request: dict[str, Any]) -> Any:
    """One `{"value": form}` or `{"error": text}` per call, lazily; an error ends the list."""
    try:
        function = _load(request["code"], request["entry_point"])
    except BaseException as error:
        yield {"error": f"the code does not load: {_text(error)}"}
        return
    for form in request["calls"]:
        try:
            args, kwargs = decode(form)
            value = function(*args, **kwargs)
            if request["only_whether"] and value is not True and value is not False:
                value = value is not None
            yield {"value": encode(value)}
        except BaseException as error:
            yield {"error": _text(error)}


def _load(code: str, entry_point: str) -> Any:
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    exec(compile(code, "solution.py", "exec", dont_inherit=True), module.__dict__)
    held = module.__dict__
    if entry_point in held:
        return held[entry_point]
    if hasattr(held.get("Solution"), entry_point):  # the convention of programming contests
        return getattr(held["Solution"](), entry_point)
    raise NameError(f"the code defines no '{entry_point}'")


def _text(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_TEXT_CHARS]
    except Exception:
        return type(error).__name__


if __name__ == "__main__":
    main()
