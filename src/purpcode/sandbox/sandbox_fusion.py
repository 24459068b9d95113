"""Runs programs on a SandboxFusion server that the user runs, over HTTP.

Protocol (`POST /run_code`, `GET /v1/ping`): https://github.com/bytedance/SandboxFusion. Whatever
the server answers is untrusted: its size is bounded, its form is checked, and what does not add up
is a `sandbox_error`, never a verdict.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from purpcode.errors import InputError, UnavailableError
from purpcode.sandbox.execution import (
    ExecutionResult,
    ExecutionStatus,
    Language,
    Program,
    run_in_threads,
)
from purpcode.sandbox.languages import COMPILE_TIMEOUT_S, TOOLCHAINS
from purpcode.sandbox.packages import find_packages
from purpcode.sandbox.supervisor import MEMORY_ERROR

ENDPOINT_VARIABLE = "PURPCODE_SANDBOX_FUSION"
"""Environment variable with the server's address, where the sandbox's name carries none."""

_NAMES: Mapping[Language, str] = {"python": "python", "cpp": "cpp", "javascript": "nodejs"}
_ATTEMPTS = 4
_BACKOFF_S, _LONGEST_WAIT_S = 0.25, 10.0
_CONNECT_S, _PING_S, _OVERHEAD_S = 5.0, 5.0, 15.0
_CONNECTIONS = 64
_SERVER_OUTPUT_BYTES = 1 << 20  # the server keeps this much of a stream and drops the rest unsaid
_ANSWER_BYTES = 32 << 20  # six streams, each byte six characters of JSON at worst
_HINT = (
    f"Start a SandboxFusion server and name it: sandbox = 'sandbox_fusion:http://HOST:PORT', or"
    f" the environment variable {ENDPOINT_VARIABLE}."
)


class _Command(BaseModel):
    """What the server says of one command, compiler or program."""

    model_config = ConfigDict(strict=True)

    status: Literal["Finished", "Error", "TimeLimitExceeded"]
    return_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None
    execution_time: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class _Answer(BaseModel):
    """The server's answer to `POST /run_code`."""

    model_config = ConfigDict(strict=True)

    status: Literal["Success", "Failed", "SandboxError"]
    message: str = ""
    compile_result: _Command | None = None
    run_result: _Command | None = None


class _NoAnswerError(Exception):
    """There is no usable answer; the message says why."""


class SandboxFusion:
    """Client of a SandboxFusion server; what the server isolates is the business of its operator.

    Offers Python, C++ and JavaScript. `remote` tells the self-test to demand only what concerns
    this machine and the verdicts, not how well the server protects itself.

    Parameters
    ----------
    packages
        Distributions the server's Python has; they are tried when the sandbox is opened.
    endpoint
        `http://HOST:PORT`; by default the environment variable's.

    Raises
    ------
    InputError
        For an address that is none.
    UnavailableError
        When no server is named, or it does not answer a ping.
    """

    name = "sandbox_fusion"
    remote = True

    def __init__(self, packages: Sequence[str] = (), *, endpoint: str | None = None) -> None:
        import httpx

        self.packages = find_packages(packages).names
        address = endpoint or os.environ.get(ENDPOINT_VARIABLE)
        if not address:
            raise UnavailableError("no SandboxFusion server is named", hint=_HINT)
        self.endpoint = _checked(address)
        self._client = httpx.Client(
            base_url=self.endpoint,
            timeout=httpx.Timeout(_PING_S, connect=_CONNECT_S, pool=None),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            verify=self.endpoint.startswith("https"),  # plain HTTP need not load certificates
            trust_env=False,  # a proxy of the environment would swallow a local address
        )
        self._ping()

    def _ping(self) -> None:
        import httpx

        try:
            code = self._client.get("/v1/ping").status_code
        except httpx.HTTPError as error:
            fault = f"{type(error).__name__}: {error}"
            raise UnavailableError(
                f"{self.endpoint} does not answer ({fault})", hint=_HINT
            ) from None
        if code != 200:
            raise UnavailableError(f"{self.endpoint}/v1/ping answers {code}", hint=_HINT)

    def fingerprint(self) -> str:
        """Backend, address, and the server's interpreter version and machine as it tells them."""
        code = "import platform as p; print(p.python_version() + '/' + p.machine())"
        seen = self.run(Program(code=code)).stdout.strip()
        what = seen if re.fullmatch(r"[\w./+-]{1,64}", seen) else "unknown"
        return f"{self.name}/{self.endpoint}/python-{what}"

    def run(self, program: Program) -> ExecutionResult:
        """Run one program on the server."""
        began = time.monotonic()
        if program.language not in _NAMES:
            return self._error(f"SandboxFusion servers have no {program.language}")
        try:
            answer = self._ask(program)
            return self._result(answer, program, time.monotonic() - began)
        except _NoAnswerError as error:
            return self._error(str(error))

    def run_many(self, programs: Sequence[Program], workers: int = 0) -> list[ExecutionResult]:
        """Run programs over pooled connections, results in order."""
        return run_in_threads(self.run, programs, workers)

    def _error(self, fault: str) -> ExecutionResult:
        evidence = {"backend": self.name, "error": f"{self.endpoint}: {fault}"[:1000]}
        return ExecutionResult(status="sandbox_error", evidence=evidence)

    def _ask(self, program: Program) -> _Answer:
        """Post a program, again where the server was not reached, dropped it or is overloaded."""
        body = json.dumps(_request(program)).encode()
        fault, asked = "", None
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_wait_s(attempt, asked))
            code, asked, text, fault = self._post(body, program)
            if code == 200:
                return _read(text)
            if code is not None and code != 429 and code < 500:
                said = text[:200].decode("utf-8", "replace")
                raise _NoAnswerError(f"refuses the request with {code}: {said}")
        raise _NoAnswerError(f"{fault} ({_ATTEMPTS} attempts)")

    def _post(self, body: bytes, program: Program) -> tuple[int | None, str | None, bytes, str]:
        """(HTTP status, Retry-After, answer, fault); status None when none came.

        An answer that takes longer than the program may, or is larger than one can be, ends the
        asking: another attempt would only take as long.
        """
        import httpx

        seconds = program.timeout_s + _OVERHEAD_S
        seconds += COMPILE_TIMEOUT_S if program.language == "cpp" else 0.0
        deadline = time.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=_CONNECT_S)
        headers = {"Content-Type": "application/json"}
        text = bytearray()
        try:
            with self._client.stream(
                "POST", "/run_code", content=body, headers=headers, timeout=timeout
            ) as response:
                for part in response.iter_bytes():
                    text += part
                    if len(text) > _ANSWER_BYTES:
                        raise _NoAnswerError(f"answers more than {_ANSWER_BYTES >> 20} MiB")
                    if time.monotonic() > deadline:
                        raise _NoAnswerError(f"no full answer within {seconds:.0f} s")
                code, asked = response.status_code, response.headers.get("Retry-After")
                return code, asked, bytes(text), f"answers {code}"
        except (httpx.ReadTimeout, httpx.WriteTimeout):
            raise _NoAnswerError(f"no answer within {seconds:.0f} s") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            return None, None, b"", f"{type(error).__name__}: {error}"

    def _result(self, answer: _Answer, program: Program, seconds: float) -> ExecutionResult:
        compiled, ran = answer.compile_result, answer.run_result
        failed_to_compile = compiled is not None and (
            compiled.status != "Finished" or compiled.return_code != 0
        )
        command = compiled if failed_to_compile else ran
        if answer.status == "SandboxError":
            raise _NoAnswerError(f"failed: {answer.message.strip() or 'no reason given'}")
        if command is None or command.status == "Error":
            raise _NoAnswerError(f"says {answer.status} without a result")
        returncode, limit = _ending(command, program)
        status: ExecutionStatus = limit or ("passed" if returncode == 0 else "failed")
        if (command.status == "Finished" and returncode == 0) != (answer.status == "Success"):
            raise _NoAnswerError(f"says {answer.status} of a program that returned {returncode}")
        stdout, stderr = _cut(command.stdout or "", command.stderr or "", program.output_bytes)
        step = {"step": "compile"} if failed_to_compile else {}
        return ExecutionResult(
            status=status,
            stdout=stdout,
            stderr=stderr,
            seconds=seconds if command.execution_time is None else command.execution_time,
            evidence={"backend": self.name, "returncode": returncode, "limit": limit, **step},
        )


def _checked(address: str) -> str:
    """An address without path or credentials, or `InputError`."""
    import httpx

    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
        raise InputError(f"'{address}' is not the address of a server", hint=_HINT)
    return str(url).rstrip("/")


def _request(program: Program) -> dict[str, Any]:
    # The server limits address space, of which V8 reserves far more than it uses.
    reserves = program.language == "javascript"
    return {
        "code": program.code,
        "language": _NAMES[program.language],
        "run_timeout": program.timeout_s,
        "compile_timeout": COMPILE_TIMEOUT_S,
        "memory_limit_MB": -1 if reserves else program.memory_mb,
        "stdin": program.stdin,
        "files": {
            path: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
            for path, text in program.files.items()
        },
    }


def _read(text: bytes) -> _Answer:
    try:
        return _Answer.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _NoAnswerError(f"unreadable answer: {where} {first['msg']}".strip()) from None


def _ending(command: _Command, program: Program) -> tuple[int | None, ExecutionStatus | None]:
    """(exit code as a shell gives it, the limit that was hit)."""
    if command.status == "TimeLimitExceeded":
        return command.return_code, "timeout"
    if command.return_code is None:
        raise _NoAnswerError("says a program finished without a return code")
    code = command.return_code
    returncode = 128 - code if code < 0 else code
    streams = [(text or "").encode("utf-8", "replace") for text in (command.stdout, command.stderr)]
    cut_off = max(map(len, streams)) >= _SERVER_OUTPUT_BYTES
    if cut_off or sum(map(len, streams)) > program.output_bytes:
        return returncode, "output_limit"
    return returncode, _memory_limit(returncode, command.stderr or "", program.language)


def _memory_limit(returncode: int, stderr: str, language: Language) -> ExecutionStatus | None:
    pattern = MEMORY_ERROR if language == "python" else TOOLCHAINS[language].out_of_memory
    killed = returncode == 128 + signal.SIGKILL
    return "oom" if killed or (returncode and pattern.search(stderr)) else None


def _cut(stdout: str, stderr: str, room: int) -> tuple[str, str]:
    out = stdout.encode("utf-8", "replace")[:room]
    err = stderr.encode("utf-8", "replace")[: room - len(out)]
    return out.decode("utf-8", "ignore"), err.decode("utf-8", "ignore")


def _wait_s(attempt: int, asked: str | None) -> float:
    """Seconds before an attempt: what the server asked for, else doubling with jitter."""
    if asked is not None and asked.isascii() and asked.isdigit():
        return min(float(asked), _LONGEST_WAIT_S)
    return min(_BACKOFF_S * 2.0 ** (attempt - 1), _LONGEST_WAIT_S) * random.uniform(0.5, 1.0)
