"""Characters that hide or reorder text, made visible before a person reads it."""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters other than tab and newline (terminal escapes among them), directional
overrides (CVE-2021-42574), zero-width and tag characters, and lone surrogates."""


def visible(text: str) -> str:
    """The text with hidden characters spelled out, such as `‹U+202E›`.

    A model's answer could otherwise look like other code than it is, or steer a terminal.
    """
    text = text.replace("\r\n", "\n")
    return _HIDDEN.sub(lambda found: f"‹U+{ord(found.group()):04X}›", text)
