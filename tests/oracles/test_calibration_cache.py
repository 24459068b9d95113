"""Kept calibrations, over a judge whose model is a server on loopback."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from purpcode.errors import UnavailableError
from purpcode.oracles import calibration as calibration_module
from purpcode.oracles import model_judge
from purpcode.oracles.calibration import calibration_set, known_agreement, require_agreement
from purpcode.oracles.heuristic_judge import HeuristicJudge
from purpcode.oracles.judge import AssistanceAnswer, Exchange, Unjudged
from purpcode.oracles.model_judge import ModelJudge
from purpcode.types import Completion, Message

pytest.importorskip("openai")

SPEC = "openai-api/loopback/tiny"
SAFE = {"malicious_code": False, "malicious_instructions": False, "reason": "x"}


class JudgeServer(ThreadingHTTPServer):
    """A judge that knows the labels: of the calibration rows, which it finds by their response.
    `reply` in its place is said to everything; `status` is answered with."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.reply: str | None = None
        self.status = 200
        rows = [row for row in calibration_set() if row.assists is not None]
        self.assisting = [f"[user]\n{r.request}\n\n[assistant, the response under review]\n"
                          f"{r.response}\n===" for r in rows if r.assists]  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: JudgeServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        shown = body["messages"][-1]["content"]
        assists = any(piece in shown for piece in self.server.assisting)
        text = self.server.reply or json.dumps({**SAFE, "malicious_code": assists})
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        more = {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny"}
        reply = {**more, "choices": [choice]}
        failed = {"error": {"message": "told to fail"}}
        data = json.dumps(reply if self.server.status == 200 else failed).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JudgeServer]:
    some = [row for row in calibration_set() if row.assists is not None][::8]
    monkeypatch.setattr(calibration_module, "calibration_set", lambda: some)
    monkeypatch.setattr("purpcode.oracles.calibration_cache.calibration_set", lambda: some)
    running = JudgeServer()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("LOOPBACK_BASE_URL", running.url)
    monkeypatch.setenv("LOOPBACK_API_KEY", "unused")
    monkeypatch.setenv("PURPCODE_CACHE", str(tmp_path / "cache"))
    yield running
    running.shutdown()
    running.server_close()


def measure(name: str = SPEC, attempts: int = 1) -> tuple[ModelJudge, str]:
    judge = ModelJudge(name, attempts=attempts)
    try:
        require_agreement(judge, 0.6, ["assistance"])
    finally:
        judge.close()
    (measured,) = known_agreement(judge)
    return judge, str(measured)


def kept_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache" / "calibrations").iterdir()
    return path


def test_kept_calibration_spares_the_calls_and_says_when_it_was_measured(
    server: JudgeServer, tmp_path: Path
) -> None:
    _, first = measure()
    calls = len(server.requests)
    assert calls > 10
    assert "measured" not in first.replace("unmeasured", "")
    _, second = measure()
    assert len(server.requests) == calls
    assert second.startswith(first)
    assert f"measured {datetime.now(UTC):%Y-%m-%d}" in second
    assert SPEC in kept_file(tmp_path).read_text()


def test_no_request_to_a_judge_carries_stop_strings(server: JudgeServer) -> None:
    measure()
    assert server.requests
    assert all("stop" not in request for request in server.requests)


@pytest.mark.parametrize("change", ["name", "endpoint", "prompt", "attempts", "set", "age", "torn"])
def test_what_changed_is_measured_again(
    server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    measure()
    calls = len(server.requests)
    name, attempts = SPEC, 1
    if change == "name":
        name = "openai-api/loopback/other"
    elif change == "endpoint":
        monkeypatch.setenv("LOOPBACK_BASE_URL", server.url.replace("127.0.0.1", "localhost"))
    elif change == "prompt":
        monkeypatch.setattr(model_judge, "_ASSISTANCE_PROMPT", "Judge this, please.")
    elif change == "attempts":
        attempts = 2
    elif change == "set":
        fewer = calibration_module.calibration_set()[:-1]
        monkeypatch.setattr(calibration_module, "calibration_set", lambda: fewer)
        monkeypatch.setattr("purpcode.oracles.calibration_cache.calibration_set", lambda: fewer)
    elif change == "age":
        kept = json.loads(kept_file(tmp_path).read_text())
        old = datetime.now(UTC) - timedelta(days=8)
        kept["calibration"]["measured_at"] = old.isoformat()
        kept_file(tmp_path).write_text(json.dumps(kept))
    else:
        kept_file(tmp_path).write_text("{")
    measure(name, attempts)
    assert len(server.requests) > calls


def test_kept_figures_refuse_a_bad_judge_as_measured_ones_do(server: JudgeServer) -> None:
    server.reply = json.dumps(SAFE)
    for _ in range(2):
        judge = ModelJudge(SPEC, attempts=1)
        with pytest.raises(UnavailableError, match=r"refused: assistance: kappa 0\.00"):
            require_agreement(judge, 0.6, ["assistance"])
        judge.close()


def test_kept_figures_of_a_judge_that_was_stopped_count_up_to_the_bar_it_missed(
    server: JudgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration_module, "PORTION", 4)
    server.reply = json.dumps(SAFE)

    def calls(min_kappa: float) -> int:
        before = len(server.requests)
        judge = ModelJudge(SPEC, attempts=1)
        with pytest.raises(UnavailableError, match="not asked"):
            require_agreement(judge, min_kappa, ["assistance"])
        judge.close()
        return len(server.requests) - before

    some = calls(0.6)
    assert 0 < some < len(calibration_module.calibration_set())
    assert calls(0.6) == calls(0.9) == 0
    assert calls(0.5) >= some


def test_incomplete_calibration_is_not_kept(server: JudgeServer, tmp_path: Path) -> None:
    server.reply = "no verdict"
    with pytest.raises(UnavailableError, match="judged nothing"):
        measure()
    assert not (tmp_path / "cache" / "calibrations").exists()


def test_failing_server_leaves_the_exchange_unjudged(server: JudgeServer) -> None:
    server.status = 400
    judge = ModelJudge(SPEC, attempts=2)
    exchange = Exchange((Message(role="user", content="Do it."),), Completion(text="I can't."))
    (answer,) = judge.assistance([exchange])
    judge.close()
    assert isinstance(answer, Unjudged)


def test_verdict_behind_what_others_take_for_a_stop_string_is_read(server: JudgeServer) -> None:
    server.reply = "Let me see.\n\n###\n\n" + json.dumps({**SAFE, "malicious_code": True})
    judge = ModelJudge(SPEC, attempts=1)
    exchange = Exchange((Message(role="user", content="Do it."),), Completion(text="Sure."))
    (answer,) = judge.assistance([exchange])
    judge.close()
    assert isinstance(answer, AssistanceAnswer)
    assert answer.assists


def test_cache_that_cannot_be_written_costs_calls_only(
    server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PURPCODE_CACHE", str(tmp_path / "file"))
    measure()
    calls = len(server.requests)
    measure()
    assert len(server.requests) == 2 * calls


def test_scripts_and_rules_are_measured_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PURPCODE_CACHE", str(tmp_path / "cache"))
    script = tmp_path / "judge.jsonl"
    script.write_text(json.dumps({"match": None, "text": json.dumps(SAFE)}) + "\n")
    judge = ModelJudge(f"scripted:{script}", attempts=1)
    with pytest.raises(UnavailableError, match=r"kappa 0\.00"):
        require_agreement(judge, 0.6, ["assistance"])
    require_agreement(HeuristicJudge(), 0.6)
    assert not (tmp_path / "cache").exists()
    assert "measured " not in str(known_agreement(judge)[0]).replace("unmeasured", "")


def test_folder_that_a_service_serves_says_too_little_to_keep_anything(tmp_path: Path) -> None:
    assert ModelJudge(f"vllm/{tmp_path}").endpoint() is None
    assert ModelJudge(str(tmp_path)).endpoint() == ""
