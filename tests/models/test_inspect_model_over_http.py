"""`InspectModel` against a real server on loopback that speaks the chat completions protocol."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from purpcode.errors import UnavailableError
from purpcode.evals.backends import resolve_backend
from purpcode.models import Sampling, open_model
from purpcode.models.remote import InspectModel, _plain
from purpcode.types import Message

pytest.importorskip("openai")

SPEC = "openai-api/loopback/tiny"


class ChatServer(ThreadingHTTPServer):
    """Echoes the prompt; a prompt `status N` is answered with that HTTP status, and
    `finish REASON` with that finish reason."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.active = 0
        self.most_active = 0
        self.delay_s = 0.0
        self.failures_left = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.requests.append(body)
            server.active += 1
            server.most_active = max(server.most_active, server.active)
            failing = server.failures_left > 0
            server.failures_left -= failing
        time.sleep(server.delay_s)
        with server.lock:
            server.active -= 1
        verb, _, what = body["messages"][-1]["content"].partition(" ")
        if failing:
            self._reply(503, {"error": {"message": "busy"}})
            return
        if verb == "status":
            self._reply(int(what), {"error": {"message": f"told to say {what}"}})
            return
        reason = what if verb == "finish" else "stop"
        text = "a\ud800b" if verb == "surrogate" else f"echo {verb} {what}".strip()
        self._reply(
            200,
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "tiny",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": text},
                        "finish_reason": reason,
                    }
                ],
                "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
            },
        )

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    running = ChatServer()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("LOOPBACK_BASE_URL", running.url)
    monkeypatch.setenv("LOOPBACK_API_KEY", "unused")
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def model(server: ChatServer) -> Iterator[InspectModel]:
    opened = InspectModel(SPEC, max_connections=4)
    yield opened
    opened.close()


def prompts(*texts: str) -> list[list[Message]]:
    return [[Message(role="user", content=text)] for text in texts]


def test_answers_come_in_order_with_usage(model: InspectModel) -> None:
    heard: list[int] = []
    words = [f"w{number}" for number in range(12)]
    completions = model.generate(prompts(*words), Sampling(), on_progress=heard.append)
    assert [c.text for c in completions] == [f"echo {word}" for word in words]
    assert {c.stop_reason for c in completions} == {"stop"}
    usage = completions[0].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (7, 3)
    assert sum(heard) == 12


def test_prompts_are_asked_together_but_never_more_than_the_allowed_connections(
    model: InspectModel, server: ChatServer
) -> None:
    server.delay_s = 0.1
    model.generate(prompts(*(f"w{number}" for number in range(16))), Sampling())
    assert 1 < server.most_active <= 4


@pytest.mark.parametrize(
    ("finish", "stop_reason"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter")],
)
def test_stop_reasons_are_ours(model: InspectModel, finish: str, stop_reason: str) -> None:
    (completion,) = model.generate(prompts(f"finish {finish}"), Sampling())
    assert completion.stop_reason == stop_reason


def test_the_whole_conversation_and_the_decoding_options_are_sent(
    model: InspectModel, server: ChatServer
) -> None:
    conversation = [
        Message(role="system", content="be brief"),
        Message(role="user", content="hi"),
        Message(role="assistant", content="hello"),
        Message(role="user", content="again"),
    ]
    sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=33, seed=5)
    model.generate([conversation], sampling)
    (body,) = server.requests
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        (m.role, m.content) for m in conversation
    ]
    assert (body["temperature"], body["top_p"]) == (0.7, 0.9)
    assert 33 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_the_same_prompt_asked_twice_is_sampled_under_two_seeds(
    model: InspectModel, server: ChatServer
) -> None:
    sampling = Sampling(temperature=0.7, seed=5)
    model.generate(prompts("x", "x"), sampling)
    first = {body["seed"] for body in server.requests}
    assert len(first) == 2
    server.requests.clear()
    model.generate(prompts("x", "x"), sampling)
    assert {body["seed"] for body in server.requests} == first


def test_greedy_decoding_sends_no_seed(model: InspectModel, server: ChatServer) -> None:
    model.generate(prompts("x"), Sampling())
    assert server.requests[0].get("seed") is None
    assert server.requests[0]["temperature"] == 0


def test_a_prompt_the_server_refuses_is_an_error_and_the_others_are_answered(
    model: InspectModel,
) -> None:
    completions = model.generate(prompts("a", "status 400", "b"), Sampling())
    assert [c.stop_reason for c in completions] == ["stop", "error", "stop"]
    assert completions[1].text == ""


def test_refused_prompts_alone_do_not_make_the_model_unavailable(model: InspectModel) -> None:
    (completion,) = model.generate(prompts("status 400"), Sampling())
    assert completion.stop_reason == "error"


@pytest.mark.parametrize(("status", "hint"), [("401", "API key"), ("404", "model's name")])
def test_a_server_that_rejects_everything_makes_the_model_unavailable(
    model: InspectModel, status: str, hint: str
) -> None:
    with pytest.raises(UnavailableError, match=hint):
        model.generate(prompts(f"status {status}", f"status {status}"), Sampling())


def test_text_that_no_file_could_hold_is_made_storable(model: InspectModel) -> None:
    (completion,) = model.generate(prompts("surrogate"), Sampling())
    assert completion.text == "a?b"
    completion.model_dump_json()


def test_an_unreachable_server_is_reported_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("LOOPBACK_BASE_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setenv("LOOPBACK_API_KEY", "unused")
    model = open_model(SPEC)
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=f"cannot be reached at http://127.0.0.1:{port}"):
        model.generate(prompts("x"), Sampling())
    assert time.monotonic() - started < 8
    model.close()


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOPBACK_API_KEY", raising=False)
    with pytest.raises(UnavailableError, match="LOOPBACK_API_KEY") as caught:
        open_model(SPEC).generate(prompts("x"), Sampling())
    assert caught.value.hint


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mistralai", None)
    with pytest.raises(UnavailableError, match="mistralai") as caught:
        open_model("mistral/some-model").generate(prompts("x"), Sampling())
    assert "Install" in str(caught.value.hint)


@pytest.mark.slow
def test_a_busy_server_is_asked_again(model: InspectModel, server: ChatServer) -> None:
    server.failures_left = 1
    (completion,) = model.generate(prompts("x"), Sampling())
    assert completion.text == "echo x"


def test_a_model_that_nobody_closed_does_not_keep_the_process_alive(server: ChatServer) -> None:
    program = (
        "import sys\n"
        "from purpcode.models import Sampling, open_model\n"
        "from purpcode.types import Message\n"
        f"model = open_model({SPEC!r}, base_url=sys.argv[1])\n"
        "answer = model.generate([[Message(role='user', content='hi')]], Sampling())\n"
        "print(answer[0].stop_reason)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, server.url],
        env={**os.environ, "LOOPBACK_API_KEY": "key"},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "stop"


def test_an_error_whose_words_look_like_markup_is_told_as_it_stands() -> None:
    class ServerError(Exception):
        message = "unexpected token [/INST] at 5"

    assert _plain(ServerError()) == "unexpected token [/INST] at 5"


def test_the_openai_backend_asks_your_server_for_the_whole_name(server: ChatServer) -> None:
    """`--backend openai`: no key is needed, and the name's organisation is not lost."""
    found = resolve_backend("openai/gpt-oss-20b", "openai")
    model = open_model(found.spec, base_url=server.url, model_args=found.model_args)
    try:
        (answer,) = model.generate([[Message(role="user", content="hello")]], Sampling())
    finally:
        model.close()
    assert answer.text == "echo hello"
    assert [request["model"] for request in server.requests] == ["openai/gpt-oss-20b"]
