"""From LibCST's concrete tree to the standard library's `ast`: statements and patterns.

LibCST reads the newest grammar on any interpreter. What older trees have no node for is dropped or
replaced where that changes no value: type parameters go, `type X = ...` becomes an assignment, a
template string a formatted one.
"""

from __future__ import annotations

import ast
from typing import Any

from purpcode.analyzers.flow.lowering_expressions import ExpressionLowering


def lower(text: str) -> ast.Module:
    """The syntax tree of a program that only a newer grammar reads.

    Raises:
        SyntaxError: LibCST cannot read it either.
        RecursionError: it is nested too deeply.
    """
    import libcst
    from libcst.metadata import MetadataWrapper, PositionProvider

    try:
        module = libcst.parse_module(text)
    except libcst.ParserSyntaxError as error:
        raise SyntaxError(error.message, ("<snippet>", error.raw_line, 1, None)) from None
    except Exception as error:  # its native parser reports some faults by other types
        if isinstance(error, RecursionError | MemoryError):
            raise
        raise SyntaxError(f"unreadable ({type(error).__name__})") from None
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    return Lowering(module, wrapper.resolve(PositionProvider)).module(module)


class Lowering(ExpressionLowering):
    """Lowers statements."""

    def module(self, node: Any) -> ast.Module:
        """The whole tree."""
        return ast.Module(body=self._statements(node.body), type_ignores=[])

    def _statements(self, body: Any) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for one in body:
            kind = type(one).__name__
            if kind == "SimpleStatementLine":
                found += [self._statement(small) for small in one.body]
            else:
                found.append(self._statement(one))
        return found

    def _suite(self, block: Any) -> list[ast.stmt]:
        if type(block).__name__ == "SimpleStatementSuite":
            return [self._statement(small) for small in block.body]
        return self._statements(block.body)

    def _statement(self, node: Any) -> ast.stmt:
        lowered: ast.stmt = getattr(self, f"_do_{type(node).__name__}")(node)
        return self.placed(lowered, node)

    def _do_Expr(self, node: Any) -> ast.stmt:
        return ast.Expr(self.expression(node.value))

    def _do_Assign(self, node: Any) -> ast.stmt:
        targets = [self.target(one.target) for one in node.targets]
        return ast.Assign(targets=targets, value=self.expression(node.value))

    def _do_AnnAssign(self, node: Any) -> ast.stmt:
        simple = type(node.target).__name__ == "Name" and not node.target.lpar
        target: Any = self.target(node.target)
        return ast.AnnAssign(
            target=target,
            annotation=self.expression(node.annotation.annotation),
            value=self.optional(node.value),
            simple=int(simple),
        )

    def _do_AugAssign(self, node: Any) -> ast.stmt:
        operator = self.operator(type(node.operator).__name__.removesuffix("Assign"))
        target: Any = self.target(node.target)
        return ast.AugAssign(target=target, op=operator, value=self.expression(node.value))

    def _do_TypeAlias(self, node: Any) -> ast.stmt:
        return ast.Assign(targets=[self.target(node.name)], value=self.expression(node.value))

    def _do_Return(self, node: Any) -> ast.stmt:
        return ast.Return(self.optional(node.value))

    def _do_Raise(self, node: Any) -> ast.stmt:
        cause = self.expression(node.cause.item) if node.cause is not None else None
        return ast.Raise(exc=self.optional(node.exc), cause=cause)

    def _do_Pass(self, node: Any) -> ast.stmt:  # noqa: ARG002
        return ast.Pass()

    def _do_Break(self, node: Any) -> ast.stmt:  # noqa: ARG002
        return ast.Break()

    def _do_Continue(self, node: Any) -> ast.stmt:  # noqa: ARG002
        return ast.Continue()

    def _do_Del(self, node: Any) -> ast.stmt:
        target = self.expression(node.target, ast.Del())
        several = isinstance(target, ast.Tuple) and not node.target.lpar
        return ast.Delete(targets=target.elts if several else [target])  # type: ignore[attr-defined]

    def _do_Global(self, node: Any) -> ast.stmt:
        return ast.Global(names=[one.name.value for one in node.names])

    def _do_Nonlocal(self, node: Any) -> ast.stmt:
        return ast.Nonlocal(names=[one.name.value for one in node.names])

    def _do_Assert(self, node: Any) -> ast.stmt:
        return ast.Assert(test=self.expression(node.test), msg=self.optional(node.msg))

    def _do_Import(self, node: Any) -> ast.stmt:
        return ast.Import(names=[self._alias(one) for one in node.names])

    def _do_ImportFrom(self, node: Any) -> ast.stmt:
        if type(node.names).__name__ == "ImportStar":
            names = [self.placed(ast.alias(name="*", asname=None), node.names)]
        else:
            names = [self._alias(one) for one in node.names]
        module = _dotted(node.module) if node.module is not None else None
        return ast.ImportFrom(module=module, names=names, level=len(node.relative))

    def _alias(self, node: Any) -> ast.alias:
        asname = node.asname.name.value if node.asname is not None else None
        return self.placed(ast.alias(name=_dotted(node.name), asname=asname), node)

    def _do_If(self, node: Any) -> ast.stmt:
        return ast.If(
            test=self.expression(node.test), body=self._suite(node.body), orelse=self._else(node)
        )

    def _else(self, node: Any) -> list[ast.stmt]:
        if node.orelse is None:
            return []
        if type(node.orelse).__name__ == "If":
            return [self._statement(node.orelse)]
        return self._suite(node.orelse.body)

    def _do_For(self, node: Any) -> ast.stmt:
        kind = ast.For if node.asynchronous is None else ast.AsyncFor
        return kind(
            target=self.target(node.target),
            iter=self.expression(node.iter),
            body=self._suite(node.body),
            orelse=self._else(node),
        )

    def _do_While(self, node: Any) -> ast.stmt:
        return ast.While(
            test=self.expression(node.test), body=self._suite(node.body), orelse=self._else(node)
        )

    def _do_With(self, node: Any) -> ast.stmt:
        kind = ast.With if node.asynchronous is None else ast.AsyncWith
        items = [
            ast.withitem(
                context_expr=self.expression(one.item),
                optional_vars=self.target(one.asname.name) if one.asname is not None else None,
            )
            for one in node.items
        ]
        return kind(items=items, body=self._suite(node.body))

    def _do_Try(self, node: Any, kind: type[ast.Try] | type[ast.TryStar] = ast.Try) -> ast.stmt:
        handlers = [
            self.placed(
                ast.ExceptHandler(
                    type=self.optional(one.type),
                    name=one.name.name.value if one.name is not None else None,
                    body=self._suite(one.body),
                ),
                one,
            )
            for one in node.handlers
        ]
        final = self._suite(node.finalbody.body) if node.finalbody is not None else []
        return kind(
            body=self._suite(node.body),
            handlers=handlers,
            orelse=self._else(node),
            finalbody=final,
        )

    def _do_TryStar(self, node: Any) -> ast.stmt:
        return self._do_Try(node, ast.TryStar)

    def _do_FunctionDef(self, node: Any) -> ast.stmt:
        kind = ast.FunctionDef if node.asynchronous is None else ast.AsyncFunctionDef
        return kind(
            name=node.name.value,
            args=self.parameters(node.params),
            body=self._suite(node.body),
            decorator_list=[self.expression(one.decorator) for one in node.decorators],
            returns=self.expression(node.returns.annotation) if node.returns is not None else None,
        )

    def _do_ClassDef(self, node: Any) -> ast.stmt:
        bases, keywords = self.arguments((*node.bases, *node.keywords))
        return ast.ClassDef(
            name=node.name.value,
            bases=bases,
            keywords=keywords,
            body=self._suite(node.body),
            decorator_list=[self.expression(one.decorator) for one in node.decorators],
        )

    def _do_Match(self, node: Any) -> ast.stmt:
        cases = [
            ast.match_case(
                pattern=self._pattern(one.pattern),
                guard=self.optional(one.guard),
                body=self._suite(one.body),
            )
            for one in node.cases
        ]
        return ast.Match(subject=self.expression(node.subject), cases=cases)

    def _pattern(self, node: Any) -> ast.pattern:
        kind = type(node).__name__
        if kind in ("MatchList", "MatchTuple"):
            lowered: ast.pattern = ast.MatchSequence([self._element(one) for one in node.patterns])
        elif kind == "MatchOr":
            lowered = ast.MatchOr([self._pattern(one.pattern) for one in node.patterns])
        elif kind == "MatchAs":
            inner = self._pattern(node.pattern) if node.pattern is not None else None
            lowered = ast.MatchAs(inner, node.name.value if node.name is not None else None)
        elif kind == "MatchSingleton":
            constant = self.expression(node.value)
            lowered = ast.MatchSingleton(constant.value)  # type: ignore[attr-defined]
        elif kind == "MatchMapping":
            lowered = ast.MatchMapping(
                keys=[self.expression(one.key) for one in node.elements],
                patterns=[self._pattern(one.pattern) for one in node.elements],
                rest=node.rest.value if node.rest is not None else None,
            )
        elif kind == "MatchClass":
            lowered = ast.MatchClass(
                cls=self.expression(node.cls),
                patterns=[self._pattern(one.value) for one in node.patterns],
                kwd_attrs=[one.key.value for one in node.kwds],
                kwd_patterns=[self._pattern(one.pattern) for one in node.kwds],
            )
        else:
            lowered = ast.MatchValue(self.expression(node.value))
        return self.placed(lowered, node)

    def _element(self, node: Any) -> ast.pattern:
        if type(node).__name__ == "MatchStar":
            star = ast.MatchStar(node.name.value if node.name is not None else None)
            return self.placed(star, node)
        return self._pattern(node.value)


def _dotted(node: Any) -> str:
    if type(node).__name__ == "Name":
        return str(node.value)
    return f"{_dotted(node.value)}.{node.attr.value}"
