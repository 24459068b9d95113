"""bandit's own command line, except that it reads the newest Python grammar and wastes no time.

bandit parses with the interpreter it runs on and skips what that cannot read. Here such a file is
read by LibCST and lowered into the same kind of tree, so that bandit's rules see it. And bandit
prepares a context for every node of a tree, though its tests look at few kinds of them: here only
those get one, which takes half the time and changes no result. Run as
`python -P -m purpcode.analyzers.bandit_runner` with bandit's options.
"""

from __future__ import annotations

import ast
import gc
from functools import cache
from itertools import zip_longest
from types import ModuleType, SimpleNamespace
from typing import Any

NODES_PER_COLLECTION = 100_000
"""Trees are cyclic, so they are garbage only the collector finds; its default looks far too often
for a process whose every object is a piece of a tree."""


def parse(source: bytes) -> ast.Module:
    """The tree that bandit visits; raises SyntaxError for what is Python in no grammar."""
    try:
        return ast.parse(source)
    except SyntaxError:
        from purpcode.analyzers.flow.source import parse_python

        return parse_python(source.decode("utf-8"))


def visit_below(visitor: Any, node: ast.AST) -> None:
    """Visit what is below a node, as bandit's `generic_visit` does, but prepare a context for those
    nodes only that its tests look at."""
    looked_at = _kinds_looked_at(visitor.testset)
    for _, value in ast.iter_fields(node):
        row = value if isinstance(value, list) else [value]
        for item, sibling in zip_longest(row, row[1:]):
            if not isinstance(item, ast.AST) or not item._fields:
                continue
            item._bandit_parent, item._bandit_sibling = node, sibling  # type: ignore[attr-defined]
            if type(item).__name__ not in looked_at:
                visit_below(visitor, item)
            elif visitor.pre_visit(item):
                visitor.visit(item)
                visit_below(visitor, item)
                visitor.post_visit(item)


@cache
def _kinds_looked_at(tests: Any) -> frozenset[str]:
    """Names of the node classes that a test looks at or the visitor keeps account of."""
    from bandit.core.node_visitor import BanditNodeVisitor

    visits = (name for name in dir(BanditNodeVisitor) if name.startswith("visit_"))
    return frozenset((*(name.removeprefix("visit_") for name in visits), *tests.tests))


def main() -> None:
    """Run bandit's command line, which exits the process."""
    from bandit.cli.main import main as bandit
    from bandit.core import node_visitor, tester

    # The visitor asks its module `ast` for more than `parse`: it gets a copy with ours.
    reader = ModuleType("ast")
    vars(reader).update(vars(ast), parse=parse)
    vars(node_visitor)["ast"] = reader
    node_visitor.BanditNodeVisitor.generic_visit = visit_below
    _spare_the_tester(tester)
    gc.freeze()
    gc.set_threshold(NODES_PER_COLLECTION)
    bandit()


def _spare_the_tester(tester: Any) -> None:
    """Leave out what bandit's tester does for each of forty tests at every call: looking for
    suppressions line by line where the file has none (or `--ignore-nosec` left them unread), and
    asking how a plain dict is copied."""
    suppressed = tester.BanditTester._get_nosecs_from_contexts

    def suppressed_if_any(self: Any, context: Any, test_result: Any = None) -> Any:
        return suppressed(self, context, test_result) if self.nosec_lines else None

    tester.BanditTester._get_nosecs_from_contexts = suppressed_if_any
    tester.copy = SimpleNamespace(copy=dict)


if __name__ == "__main__":
    main()
