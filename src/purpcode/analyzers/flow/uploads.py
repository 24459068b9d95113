"""Uploaded files as values: an open file is no path, though what it holds is outside data."""

from __future__ import annotations

import re

from purpcode.analyzers.flow.values import Value

_UPLOAD = re.compile(
    r"web\.request\.(?:files|FILES)(?:\[\]|\.(?:get|getlist|pop|values|items)\(\)(?:\[\])*)"
    r"(?:\.(?:stream|file))?"
    r"|(?:fastapi|starlette\.datastructures|fastapi\.datastructures)\.UploadFile\(\)(?:\.file)?"
)


def is_open_upload(value: Value) -> bool:
    """Whether a value is an upload itself or its stream, and not the name that came with it."""
    known = [name for name in value.names if not name.startswith("?")]
    return bool(known) and all(_UPLOAD.fullmatch(name) for name in known)
