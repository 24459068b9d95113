"""Work half done that stays when an exception comes."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import last_name, within

_UNDOING = frozenset(
    ("rollback", "abort", "undo", "restore", "close", "unlink", "remove", "release", "delete")
)


def _called(nodes: list[ast.stmt]) -> set[str]:
    return {last_name(one.func) for one in within(nodes) if isinstance(one, ast.Call)}


def _left(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Try):
        body = _called(node.body)
        changes = len(body & {"execute", "executemany", "add", "add_all", "delete", "merge"}) > 0
        if "commit" in body and changes:
            for handler in node.handlers:
                goes_on = not any(isinstance(one, ast.Raise) for one in within(handler.body))
                undone = (_called(handler.body) | _called(node.finalbody)) & _UNDOING
                if goes_on and not undone:
                    yield Match(handler, "the transaction stays open, half done")
        if (
            "acquire" in body
            and "release" in body
            and node.handlers
            and "release" not in _called(node.finalbody)
        ):
            for handler in node.handlers:
                if "release" not in _called(handler.body):
                    yield Match(handler, "the lock stays held")


RULE = FlowRule(
    id="cleanup-missing-on-error",
    title="Half-done work left on an exception",
    cwes=(460,),
    severity="low",
    severity_reason="What was begun is committed later by others, or blocks them.",
    fix="Roll back in the handler, or use a `with` block that does.",
    reference="https://cwe.mitre.org/data/definitions/460.html",
    detectors=(_left,),
    insecure=(
        """
def pay(session, account, amount, log):
    try:
        session.add(account.booking(-amount))
        session.add(account.shop.booking(amount))
        session.commit()
    except ValueError as error:
        log.warning("payment failed: %s", error)
""",
        """
def move(connection, source, target):
    try:
        connection.execute("UPDATE accounts SET sum = sum - 1 WHERE id = ?", (source,))
        connection.execute("UPDATE accounts SET sum = sum + 1 WHERE id = ?", (target,))
        connection.commit()
    except OverflowError:
        return False
    return True
""",
        """
def update(lock, counter, log):
    try:
        lock.acquire()
        counter.step()
        lock.release()
    except ValueError:
        log.warning("no step")
""",
    ),
    secure=(
        """
def pay(session, account, amount, log):
    try:
        session.add(account.booking(-amount))
        session.add(account.shop.booking(amount))
        session.commit()
    except ValueError as error:
        session.rollback()
        log.warning("payment failed: %s", error)
""",
        """
def move(connection, source, target):
    try:
        with connection:
            connection.execute("UPDATE accounts SET sum = sum - 1 WHERE id = ?", (source,))
            connection.execute("UPDATE accounts SET sum = sum + 1 WHERE id = ?", (target,))
    except OverflowError:
        return False
    return True
""",
        """
def update(lock, counter, log):
    try:
        with lock:
            counter.step()
    except ValueError:
        log.warning("no step")
""",
    ),
)
