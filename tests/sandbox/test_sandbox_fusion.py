"""The client against a local server that speaks the protocol and runs programs in bubblewrap."""

import base64
import functools
import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpcode.errors import InputError, UnavailableError
from purpcode.sandbox import Program, open_sandbox, sandbox_fusion
from purpcode.sandbox.bubblewrap import BubblewrapSandbox
from purpcode.sandbox.probes import probe
from purpcode.sandbox.sandbox_fusion import ENDPOINT_VARIABLE, SandboxFusion

LANGUAGES = {"python": "python", "cpp": "cpp", "nodejs": "javascript"}


@functools.cache
def bubblewrap():
    return BubblewrapSandbox()


class Server(ThreadingHTTPServer):
    """A SandboxFusion server; `faults` are answers it gives first, one per request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.sandbox = bubblewrap()
        self.faults = []
        self.requests = []
        self.connections = set()
        self.ping = 200

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body, headers=()):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.server.ping if self.path == "/v1/ping" else 404, b'"pong"')

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.connections.add(self.client_address)
        self.server.requests.append(asked)
        if self.server.faults:
            self.server.faults.pop(0)(self)
            return
        assert self.path == "/run_code"
        self.answer(200, json.dumps(execute(self.server.sandbox, asked)).encode())


def execute(sandbox, asked):
    files = {name: base64.b64decode(text).decode() for name, text in asked["files"].items()}
    result = sandbox.run(
        Program(
            code=asked["code"],
            language=LANGUAGES[asked["language"]],
            stdin=asked["stdin"],
            files=files,
            timeout_s=asked["run_timeout"],
            memory_mb=asked["memory_limit_MB"] if asked["memory_limit_MB"] > 0 else 512,
            output_bytes=2 << 20,
        )
    )
    late = result.status == "timeout"
    code = result.evidence.get("returncode")
    command = {
        "status": "TimeLimitExceeded" if late else "Finished",
        "return_code": None if late else 128 - code if code > 128 else code,
        "stdout": result.stdout[: 1 << 20],
        "stderr": result.stderr[: 1 << 20],
        "execution_time": result.seconds,
    }
    compiled = result.evidence.get("step") == "compile"
    return {
        "status": "Success" if result.status == "passed" else "Failed",
        "message": "",
        "compile_result": command if compiled else None,
        "run_result": None if compiled else command,
        "executor_pod_name": None,
        "files": {},
    }


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(sandbox_fusion, "_BACKOFF_S", 0.01)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    return SandboxFusion(endpoint=server.url + "/")


def test_a_program_gets_its_files_and_stdin_and_its_output_comes_back(client):
    code = "import sys; print(open('a/b.txt').read(), sys.stdin.read())"
    result = client.run(Program(code=code, files={"a/b.txt": "é"}, stdin="in"))
    assert (result.status, result.stdout) == ("passed", "é in\n")
    assert result.evidence == {"backend": "sandbox_fusion", "returncode": 0, "limit": None}
    assert 0 < result.seconds < 10


@pytest.mark.parametrize(
    ("code", "status", "returncode"),
    [
        ("raise ValueError('seen')", "failed", 1),
        ("import sys; sys.exit(3)", "failed", 3),
        ("import time; time.sleep(9)", "timeout", None),
        ("x = bytearray(10**9)", "oom", 1),
        ("import os; os.kill(os.getpid(), 9)", "oom", 137),
        ("import os; os.kill(os.getpid(), 11)", "failed", 139),
    ],
)
def test_how_a_program_ended_is_told_apart(client, code, status, returncode):
    result = client.run(Program(code=code, timeout_s=1.5, memory_mb=128))
    assert (result.status, result.evidence["returncode"]) == (status, returncode)


def test_output_is_capped(client):
    result = client.run(Program(code="print('é' * 9000)", output_bytes=5000))
    assert result.status == "output_limit"
    assert 4990 < len(result.stdout.encode()) <= 5000


def test_output_that_the_server_cut_off_is_at_its_limit(client):
    result = client.run(Program(code="print('x' * (3 << 20))", output_bytes=4 << 20))
    assert result.status == "output_limit"


@pytest.mark.skipif(not shutil.which("g++"), reason="no g++ on this machine")
def test_a_program_that_does_not_compile_says_so(client):
    assert client.run(Program(code="int main() { return 0; }", language="cpp")).status == "passed"
    result = client.run(Program(code="int main() { return x; }", language="cpp"))
    assert (result.status, result.evidence["step"]) == ("failed", "compile")
    assert "x" in result.stderr


@pytest.mark.skipif(not shutil.which("node"), reason="no node on this machine")
def test_javascript_runs_without_a_limit_on_address_space(client, server):
    assert client.run(Program(code="console.log(1)", language="javascript")).stdout == "1\n"
    assert server.requests[-1]["memory_limit_MB"] == -1


def test_a_language_the_servers_lack_is_unmeasured(client, server):
    result = client.run(Program(code="int main(void) { return 0; }", language="c"))
    assert (result.status, server.requests) == ("sandbox_error", [])


def test_results_of_many_keep_their_order_over_few_connections(client, server):
    results = client.run_many([Program(code=f"print({n})") for n in range(6)], workers=2)
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(6)]
    assert len(server.connections) <= 2


def test_text_that_is_no_unicode_does_not_stop_the_client(client):
    assert client.run(Program(code="print('\ud800')")).status in ("failed", "sandbox_error")


def status(code, *headers):
    return lambda handler: handler.answer(code, b"no", headers)


def drop(handler):
    handler.close_connection = True
    handler.connection.close()


def says(**answer):
    return lambda handler: handler.answer(200, json.dumps(answer).encode())


@pytest.mark.parametrize(
    "faults",
    [[status(500)] * 3, [status(503), status(429, ("Retry-After", "0"))], [drop, drop]],
)
def test_a_server_that_recovers_is_asked_again(client, server, faults):
    server.faults = list(faults)
    assert client.run(Program(code="print(1)")).status == "passed"
    assert len(server.requests) == len(faults) + 1


@pytest.mark.parametrize(
    ("fault", "said"), [(status(500), "500"), (status(429), "429"), (drop, "attempts")]
)
def test_a_server_that_does_not_recover_is_a_sandbox_error(client, server, fault, said):
    server.faults = [fault] * 9
    result = client.run(Program(code="print(1)"))
    assert result.status == "sandbox_error"
    assert said in result.evidence["error"]
    assert len(server.requests) == 4


def test_a_refused_request_is_not_repeated(client, server):
    server.faults = [status(422)] * 9
    assert "422" in client.run(Program(code="print(1)")).evidence["error"]
    assert len(server.requests) == 1


FINISHED = {"status": "Finished", "return_code": 0, "stdout": "", "stderr": ""}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": "Success"},
        {"status": "Great", "run_result": FINISHED},
        {"status": "Failed", "run_result": FINISHED},
        {"status": "Success", "run_result": {**FINISHED, "return_code": 1}},
        {"status": "Success", "run_result": {**FINISHED, "return_code": None}},
        {"status": "Success", "run_result": {**FINISHED, "return_code": "0"}},
        {"status": "Success", "run_result": {**FINISHED, "stdout": ["x"]}},
        {"status": "Success", "run_result": {**FINISHED, "execution_time": -1.0}},
        {"status": "Success", "run_result": {**FINISHED, "status": "Error"}},
        {"status": "SandboxError", "message": "no", "run_result": FINISHED},
    ],
)
def test_an_answer_that_does_not_add_up_is_a_sandbox_error(client, server, answer):
    server.faults = [says(**answer)]
    result = client.run(Program(code="print(1)"))
    assert result.status == "sandbox_error"
    assert result.evidence["error"]


@given(text=st.binary(max_size=60))
def test_no_answer_raises_anything_but_the_clients_own_error(text):
    with pytest.raises(sandbox_fusion._NoAnswerError):
        sandbox_fusion._read(text)


def test_an_endless_answer_is_cut(client, server, monkeypatch):
    monkeypatch.setattr(sandbox_fusion, "_ANSWER_BYTES", 1 << 16)
    server.faults = [lambda handler: handler.answer(200, b" " * (1 << 20))]
    assert "MiB" in client.run(Program(code="print(1)")).evidence["error"]


def test_a_server_that_hangs_is_a_sandbox_error_once(client, server, monkeypatch):
    monkeypatch.setattr(sandbox_fusion, "_OVERHEAD_S", 0.3)
    server.faults = [lambda _: time.sleep(2)] * 2
    began = time.monotonic()
    result = client.run(Program(code="print(1)", timeout_s=0.2))
    assert (result.status, len(server.requests)) == ("sandbox_error", 1)
    assert time.monotonic() - began < 2


def trickle(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    try:
        for _ in range(30):
            handler.wfile.write(b" ")
            time.sleep(0.1)
    except OSError:
        handler.close_connection = True


def test_a_server_that_trickles_is_a_sandbox_error(client, server, monkeypatch):
    monkeypatch.setattr(sandbox_fusion, "_OVERHEAD_S", 0.3)
    server.faults = [trickle]
    began = time.monotonic()
    assert client.run(Program(code="print(1)", timeout_s=0.2)).status == "sandbox_error"
    assert time.monotonic() - began < 2


def test_a_server_that_went_away_is_a_sandbox_error(monkeypatch, server):
    client = SandboxFusion(endpoint=server.url)
    monkeypatch.setattr(client._client, "base_url", "http://127.0.0.1:9")
    assert client.run(Program(code="print(1)")).status == "sandbox_error"


@pytest.mark.parametrize("address", ["nonsense", "ftp://x", "http://", "http://u:p@x", "//x"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(InputError, match="not the address"):
        SandboxFusion(endpoint=address)


def test_without_a_server_the_error_says_how_to_name_one(monkeypatch, server):
    monkeypatch.delenv(ENDPOINT_VARIABLE, raising=False)
    with pytest.raises(UnavailableError) as caught:
        SandboxFusion()
    assert ENDPOINT_VARIABLE in caught.value.hint
    server.ping = 503
    with pytest.raises(UnavailableError, match="503"):
        SandboxFusion(endpoint=server.url)


def test_the_address_comes_with_the_name_or_from_the_environment(server, monkeypatch):
    assert open_sandbox(f"sandbox_fusion:{server.url}").run(Program(code="")).status == "passed"
    monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
    assert SandboxFusion().endpoint == server.url
    with pytest.raises(InputError, match="no sandbox named"):
        open_sandbox("bubblewrap:x")


def test_the_self_test_shows_but_does_not_demand_what_concerns_the_server(client):
    results = {result.name: result for result in probe(client)}
    assert [name for name, result in results.items() if result.required and not result.held] == []
    daemon = results["leave_daemon"]
    assert (daemon.held, daemon.required) == (False, False)
    assert results["read_host_files"].required


def test_the_fingerprint_names_server_and_interpreter(client, server):
    assert client.fingerprint().startswith(f"sandbox_fusion/{server.url}/python-3.")
    server.faults = [says(status="Success", run_result={**FINISHED, "stdout": "\x1b[31m" * 9})]
    assert client.fingerprint().endswith("/python-unknown")
