from typing import Any

class HttpRequest:
    GET: dict[str, str]
    POST: dict[str, str]
    COOKIES: dict[str, str]
    META: dict[str, str]
    FILES: dict[str, Any]
    headers: dict[str, str]
    body: bytes
    path: str
    method: str

class HttpResponse:
    def __init__(self, content: Any = ..., **options: Any) -> None: ...

class HttpResponseRedirect(HttpResponse):
    def __init__(self, redirect_to: str, **options: Any) -> None: ...
