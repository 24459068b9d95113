"""Where programs keep data: secrets that reach a file or a database as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.sensitive_names import shown_secrets

_PROTECTS = re.compile(
    r"(?i)hash|crypt|derive|kdf|digest|seal|protect|mask|tokeni[sz]e|make_password|dump"
)
_WRITES = re.compile(r"(?i)\b(insert|update|replace)\b")
_DUMPS = (
    "json.dump",
    "yaml.dump",
    "yaml.safe_dump",
    "pickle.dump",
    "toml.dump",
    "csv.writer().writerow",
    "csv.DictWriter().writerow",
    "*.writer().writerow",
)
_TEXTS = (
    "open().write",
    "pathlib.Path().write_text",
    "pathlib.Path().write_bytes",
    "open().writelines",
)
_DOCUMENTS = (
    "*.insert_one",
    "*.objects.create",
    "*.hset",
    "*.hmset",
    "redis.Redis().set",
    "redis.StrictRedis().set",
    "*.replace_one",
    "*.put_item",
)


def kept(code: Code, wanted: Callable[[str], bool]) -> Iterator[tuple[Call, str, str]]:
    """Calls that keep a secret as it is: the call, the secret's name, and where it goes."""
    for call in code.calls_to(("*.execute", "*.executemany")):
        statement = call.argument(0)
        text = (statement.text or statement.prefix or "") if statement is not None else ""
        if not text and call.node.args:
            text = ast.unparse(call.node.args[0])
        if _WRITES.search(text.strip()[:40]):
            yield from _shown(code, call, wanted, "a database")
    for call in code.calls_to((*_DUMPS, *_TEXTS)):
        yield from _shown(code, call, wanted, "a file")
    for call in code.calls_to(_DOCUMENTS):
        yield from _shown(code, call, wanted, "a database")


def _shown(
    code: Code, call: Call, wanted: Callable[[str], bool], where: str
) -> Iterator[tuple[Call, str, str]]:
    given = [*call.node.args, *(one.value for one in call.node.keywords)]
    for one in given:
        for name in shown_secrets(_resolved(code, one, call)):
            if wanted(name) and not is_protected(code, name, call.scope.path):
                yield call, name, where
                return


def _resolved(code: Code, node: ast.expr, call: Call) -> ast.expr:
    """The display that a variable was assigned, else the expression itself."""
    if isinstance(node, ast.Name):
        for store in code.stores:
            same = store.path == node.id and store.scope.path == call.scope.path
            if same and isinstance(store.source, ast.Dict | ast.Tuple | ast.List | ast.JoinedStr):
                return store.source
    return node


def is_protected(code: Code, name: str, scope: str) -> bool:
    """Whether a variable is assigned a hash or ciphertext in the function before it is kept."""
    for store in code.stores:
        same = store.scope.path == scope and (store.path or "").rpartition(".")[2] == name
        source = ast.unparse(store.source) if same and store.source is not None else ""
        if _PROTECTS.search(source):
            return True
    return False
