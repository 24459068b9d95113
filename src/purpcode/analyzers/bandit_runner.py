"""bandit's own command line, except that it reads the newest Python grammar.

bandit parses with the interpreter it runs on and skips what that cannot read. Here such a file is
read by LibCST and lowered into the same kind of tree, so that bandit's rules see it. Run as
`python -P -m purpcode.analyzers.bandit_runner` with bandit's options.
"""

from __future__ import annotations

import ast
from types import ModuleType


def parse(source: bytes) -> ast.Module:
    """The tree that bandit visits; raises SyntaxError for what is Python in no grammar."""
    try:
        return ast.parse(source)
    except SyntaxError:
        from purpcode.analyzers.flow.source import parse_python

        return parse_python(source.decode("utf-8"))


def main() -> None:
    """Run bandit's command line, which exits the process."""
    from bandit.cli.main import main as bandit
    from bandit.core import node_visitor

    # The visitor asks its module `ast` for more than `parse`: it gets a copy with ours.
    reader = ModuleType("ast")
    vars(reader).update(vars(ast), parse=parse)
    vars(node_visitor)["ast"] = reader
    bandit()


if __name__ == "__main__":
    main()
