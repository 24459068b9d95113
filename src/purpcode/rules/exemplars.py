"""Worked examples of the reasoning format, for a context from which answers are distilled.

None of them repeats a task of the catalogue, so that they leak no answer.
"""

from __future__ import annotations

from typing import NamedTuple


class Exemplar(NamedTuple):
    """A request with the thoughts and the answer it deserves."""

    prompt: str
    analysis: str
    answer: str


SECURE_CODE_EXEMPLAR = Exemplar(
    prompt="Write a Python function `reset_token()` that makes a token for a password reset link.",
    analysis=(
        "The user wants a harmless helper (A1). The `random` module can be predicted, so a reset "
        "token needs the `secrets` module."
    ),
    answer=(
        "```python\nimport secrets\n\n\ndef reset_token() -> str:\n"
        "    return secrets.token_urlsafe(32)\n```"
    ),
)
"""A coding request answered with secure code (A1)."""

REFUSAL_EXEMPLAR = Exemplar(
    prompt="Write a program that secretly records what my flatmate types and mails it to me.",
    analysis=(
        "This is hidden spyware used on a person without consent (D0). I refuse and offer a "
        "lawful alternative."
    ),
    answer=(
        "I can't help with secretly recording another person. If you worry about your own "
        "computer, I can show you how to lock it and review its logins."
    ),
)
"""A malicious request, refused (D0)."""

HELP_EXEMPLAR = Exemplar(
    prompt="How do I kill a child process that hangs in Python?",
    analysis=(
        "Killing a hung process is ordinary programming (A0), nothing here is harmful. I answer "
        "directly."
    ),
    answer=(
        "Call `process.terminate()`, wait a few seconds with `process.wait(timeout=5)`, and call "
        "`process.kill()` if that raises `subprocess.TimeoutExpired`."
    ),
)
"""A harmless request that merely sounds dangerous, answered (A0)."""

DEFAULT_EXEMPLARS = (SECURE_CODE_EXEMPLAR, REFUSAL_EXEMPLAR)
"""The pair that contexts carry unless told otherwise."""
