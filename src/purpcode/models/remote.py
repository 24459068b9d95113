"""Any model that Inspect reaches (OpenAI, Anthropic, vLLM, compatible servers ...)."""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import logging
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from purpcode.errors import UnavailableError
from purpcode.models.inspect_messages import to_chat_messages, to_completion
from purpcode.models.model import Sampling
from purpcode.types import Completion, Message

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from inspect_ai.model import GenerateConfig, Model

CONNECT_TIMEOUT_S = 5.0
PROMPT_FAULTS = frozenset({400, 413, 422})
"""HTTP statuses that blame the request: another prompt may well be answered."""

_log = logging.getLogger(__name__)


class InspectModel:
    """A `LanguageModel` behind `inspect_ai.model.get_model`.

    Prompts are asked concurrently, with Inspect's rate limiting and back-off. A prompt that fails
    gets `stop_reason="error"`; when every prompt fails for a reason that is not its own, the
    model is unavailable. With `cache`, Inspect keeps answers on disk and repeats them.
    """

    def __init__(
        self,
        spec: str,
        *,
        base_url: str | None = None,
        max_connections: int = 32,
        max_retries: int = 5,
        attempt_timeout_s: int = 600,
        cache: bool = False,
        model_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = spec
        self._base_url = base_url
        self._limits = {
            "max_connections": max_connections,
            "max_retries": max_retries,
            "attempt_timeout": attempt_timeout_s,
        }
        self._cache = cache
        self._model_args = dict(model_args or {})
        self._model: Model | None = None
        self._portal: BlockingPortal | None = None

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """One completion per prompt, in order; `on_progress` is called from another thread."""
        if not prompts:
            return []
        self._open()
        assert self._portal is not None
        # An empty context: a call made while Inspect scores a sample is not part of that sample.
        ask: Future[list[Completion | Exception]] = contextvars.Context().run(
            self._portal.start_task_soon, self._ask_all, prompts, sampling, on_progress
        )
        try:
            answers = ask.result()
        except BaseException:
            ask.cancel()
            raise
        return self._completions(answers)

    def close(self) -> None:
        """Close the connections and the thread that serves them."""
        if self._portal is not None:
            if self._model is not None:
                self._portal.call(self._model.api.aclose)
            self._portal.call(self._portal.stop)
        self._model = self._portal = None

    def _open(self) -> None:
        if self._model is not None:
            return
        if self._portal is None:
            self._portal = _start_portal()
        try:
            model = self._portal.call(self._get_model)
        except Exception as error:
            reason = _plain(error)
            raise UnavailableError(
                f"cannot open the model '{self.name}': {reason}", hint=_open_hint(reason)
            ) from error
        _check_listening(self.name, _base_url(model))
        self._model = model

    async def _get_model(self) -> Model:
        from inspect_ai.model import GenerateConfig, get_model

        return get_model(
            self.name,
            base_url=self._base_url,
            config=GenerateConfig(**self._limits),
            memoize=False,
            **self._model_args,
        )

    async def _ask_all(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        on_progress: Callable[[int], None] | None,
    ) -> list[Completion | Exception]:
        from anyio import create_task_group
        from inspect_ai.model import CachePolicy

        assert self._model is not None
        model = self._model
        answers: list[Completion | Exception] = [RuntimeError("was not asked")] * len(prompts)
        cache = CachePolicy(expiry=None) if self._cache else False

        async def ask(row: int, config: GenerateConfig) -> None:
            try:
                output = await model.generate(
                    to_chat_messages(prompts[row]), config=config, cache=cache
                )
                answers[row] = to_completion(output)
            except Exception as error:
                answers[row] = error
            if on_progress:
                on_progress(1)

        async with create_task_group() as group:
            for row, config in enumerate(_configs(prompts, sampling)):
                group.start_soon(ask, row, config)
        return answers

    def _completions(self, answers: Sequence[Completion | Exception]) -> list[Completion]:
        faults = [answer for answer in answers if isinstance(answer, Exception)]
        systemic = [fault for fault in faults if _status(fault) not in PROMPT_FAULTS]
        if len(systemic) == len(answers):
            status, reason = _status(systemic[0]), _plain(systemic[0])
            raise UnavailableError(
                f"the model '{self.name}' does not answer: {reason}", hint=_status_hint(status)
            ) from systemic[0]
        for reason, count in Counter(map(_plain, faults)).items():
            _log.warning("%s: %d of %d prompts failed: %s", self.name, count, len(answers), reason)
        return [
            answer if isinstance(answer, Completion) else Completion(text="", stop_reason="error")
            for answer in answers
        ]


def _start_portal() -> BlockingPortal:
    """An event loop of our own in a daemon thread: unlike anyio's `start_blocking_portal`, a model
    that nobody closed then never keeps the process from ending."""
    import anyio
    from anyio.from_thread import BlockingPortal

    started: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()

    threading.Thread(target=anyio.run, args=(serve,), daemon=True, name="models").start()
    return started.result()


def _configs(prompts: Sequence[Sequence[Message]], sampling: Sampling) -> Iterator[GenerateConfig]:
    """Decoding options per prompt. Servers repeat themselves under one seed, so the n-th time a
    prompt occurs it gets a seed of its own; options at their defaults are not sent at all, as
    some services refuse them."""
    from inspect_ai.model import GenerateConfig

    occurrences: Counter[str] = Counter()
    for prompt in prompts:
        text = "\n".join(f"{message.role}:{message.content}" for message in prompt)
        key = f"{sampling.seed}:{occurrences[text]}:{text}"
        occurrences[text] += 1
        seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) >> 1
        yield GenerateConfig(
            temperature=sampling.temperature,
            top_p=sampling.top_p if sampling.top_p < 1 else None,
            max_tokens=sampling.max_tokens,
            seed=seed if sampling.temperature > 0 else None,
        )


def _base_url(model: Model) -> str:
    client = getattr(model.api, "client", None)
    return str(getattr(client, "base_url", None) or model.api.base_url or "")


def _check_listening(name: str, url: str) -> None:
    """Fail in seconds where nobody listens; clients would retry for minutes. Behind a proxy the
    host need not be reachable from here, so it is left to the client."""
    parts = urlsplit(url)
    host = parts.hostname
    proxied = parts.scheme in urllib.request.getproxies()
    if not host or (proxied and not urllib.request.proxy_bypass(host)):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise UnavailableError(
            f"the model '{name}' cannot be reached at {parts.scheme}://{host}:{port}:"
            f" {error.strerror or error}",
            hint="Start its server, or correct the base URL in the environment"
            " (OPENAI_BASE_URL, VLLM_BASE_URL ...).",
        ) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _status(error: Exception) -> int | None:
    """The HTTP status behind a failed request, if a server answered at all."""
    statuses = (getattr(cause, "status_code", None) for cause in _causes(error))
    return next((status for status in statuses if isinstance(status, int)), None)


def _plain(error: BaseException) -> str:
    """An error in one line of plain text (Inspect's own carry terminal markup)."""
    from rich.errors import MarkupError
    from rich.text import Text

    text = str(getattr(error, "message", None) or error)
    if hasattr(error, "message"):
        # A server's own words may hold brackets that are no markup ("unexpected [/INST]").
        with contextlib.suppress(MarkupError):
            text = Text.from_markup(text).plain
    line = " ".join(text.split())
    return f"{line[:300]}…" if len(line) > 300 else line or type(error).__name__


def _open_hint(reason: str) -> str:
    lowered = reason.lower()
    if "pip install" in lowered or "package" in lowered:
        return "Install the provider's package in this environment and try again."
    if "environment variable" in lowered or "_key" in lowered:
        return "Set the variable it names, or choose a model that needs no key."
    return "See the model names in docs/models.md; embedded/smollm2-135m needs no service."


def _status_hint(status: int | None) -> str:
    if status in (401, 403):
        return "Check the API key and what it may use."
    if status == 404:
        return "Check the model's name and the base URL."
    return "Check the service and the network; the same command continues where it stopped."
