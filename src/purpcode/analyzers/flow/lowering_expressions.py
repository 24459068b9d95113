"""From LibCST's concrete tree to the standard library's `ast`: expressions and parameters."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

_Node = TypeVar("_Node", bound=ast.AST)

_OPERATORS: dict[str, type[ast.operator]] = {
    "Add": ast.Add,
    "Subtract": ast.Sub,
    "Multiply": ast.Mult,
    "MatrixMultiply": ast.MatMult,
    "Divide": ast.Div,
    "Modulo": ast.Mod,
    "Power": ast.Pow,
    "LeftShift": ast.LShift,
    "RightShift": ast.RShift,
    "BitOr": ast.BitOr,
    "BitXor": ast.BitXor,
    "BitAnd": ast.BitAnd,
    "FloorDivide": ast.FloorDiv,
}
_UNARY: dict[str, type[ast.unaryop]] = {
    "Plus": ast.UAdd,
    "Minus": ast.USub,
    "BitInvert": ast.Invert,
    "Not": ast.Not,
}
_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "Equal": ast.Eq,
    "NotEqual": ast.NotEq,
    "LessThan": ast.Lt,
    "LessThanEqual": ast.LtE,
    "GreaterThan": ast.Gt,
    "GreaterThanEqual": ast.GtE,
    "Is": ast.Is,
    "IsNot": ast.IsNot,
    "In": ast.In,
    "NotIn": ast.NotIn,
}
_CONSTANTS = {"None": None, "True": True, "False": False}


class ExpressionLowering:
    """Lowers expressions; `positions` are LibCST's code ranges by node."""

    def __init__(self, module: Any, positions: Mapping[Any, Any]) -> None:
        self._module = module
        self._positions = positions

    def placed(self, lowered: _Node, node: Any) -> _Node:
        """The lowered node at the lines and columns of its original."""
        place = self._positions[node]
        lowered.lineno, lowered.col_offset = place.start.line, place.start.column  # type: ignore[attr-defined]
        lowered.end_lineno, lowered.end_col_offset = place.end.line, place.end.column  # type: ignore[attr-defined]
        return lowered

    def operator(self, name: str) -> ast.operator:
        """An operator by LibCST's name of it."""
        return _OPERATORS[name]()

    def optional(self, node: Any) -> ast.expr | None:
        """An expression, or None for None."""
        return None if node is None else self.expression(node)

    def target(self, node: Any) -> ast.expr:
        """An expression that is assigned to."""
        return self.expression(node, ast.Store())

    def expression(self, node: Any, ctx: ast.expr_context | None = None) -> ast.expr:
        """An expression; `ctx` is how it is used, loading by default."""
        name = type(node).__name__
        lowered: ast.expr = getattr(self, f"_ex_{name}")(node, ctx or ast.Load())
        return self.placed(lowered, node)

    def _ex_Name(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        if node.value in _CONSTANTS:
            return ast.Constant(_CONSTANTS[node.value])
        return ast.Name(node.value, ctx)

    def _ex_Attribute(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        return ast.Attribute(self.expression(node.value), node.attr.value, ctx)

    def _ex_Integer(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.Constant(_literal(node.value))

    _ex_Float = _ex_Imaginary = _ex_SimpleString = _ex_Integer

    def _ex_Ellipsis(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.Constant(...)

    def _ex_Call(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        args, keywords = self.arguments(node.args)
        return ast.Call(self.expression(node.func), args, keywords)

    def arguments(self, given: Sequence[Any]) -> tuple[list[ast.expr], list[ast.keyword]]:
        """The arguments of a call or class."""
        args: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        for one in given:
            value = self.expression(one.value)
            if one.star == "*":
                args.append(self.placed(ast.Starred(value, ast.Load()), one))
            elif one.star == "**" or one.keyword is not None:
                name = one.keyword.value if one.keyword is not None else None
                keywords.append(self.placed(ast.keyword(name, value), one))
            else:
                args.append(value)
        return args, keywords

    def _ex_Subscript(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        parts = [self._slice(one) for one in node.slice]
        alone = len(parts) == 1 and type(node.slice[0].comma).__name__ != "Comma"
        if alone and not isinstance(parts[0], ast.Starred):
            inner = parts[0]
        else:
            inner = self.placed(ast.Tuple(parts, ast.Load()), node)
        return ast.Subscript(self.expression(node.value), inner, ctx)

    def _slice(self, element: Any) -> ast.expr:
        part = element.slice
        if type(part).__name__ == "Index":
            value = self.expression(part.value)
            starred = getattr(part, "star", None) == "*"
            return self.placed(ast.Starred(value, ast.Load()), element) if starred else value
        bounds = [self.optional(one) for one in (part.lower, part.upper, part.step)]
        return self.placed(ast.Slice(*bounds), element)

    def _ex_BinaryOperation(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        operator = self.operator(type(node.operator).__name__)
        return ast.BinOp(self.expression(node.left), operator, self.expression(node.right))

    def _ex_BooleanOperation(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        kind = type(node.operator)
        operands = [self.expression(node.right)]
        left = node.left
        while type(left).__name__ == "BooleanOperation" and type(left.operator) is kind:
            if left.lpar:
                break
            operands.append(self.expression(left.right))
            left = left.left
        operands.append(self.expression(left))
        operator = ast.And() if kind.__name__ == "And" else ast.Or()
        return ast.BoolOp(operator, operands[::-1])

    def _ex_UnaryOperation(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        operator = _UNARY[type(node.operator).__name__]()
        return ast.UnaryOp(operator, self.expression(node.expression))

    def _ex_Comparison(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        operators = [_COMPARISONS[type(one.operator).__name__]() for one in node.comparisons]
        others = [self.expression(one.comparator) for one in node.comparisons]
        return ast.Compare(self.expression(node.left), operators, others)

    def _ex_IfExp(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        test, body = self.expression(node.test), self.expression(node.body)
        return ast.IfExp(test, body, self.expression(node.orelse))

    def _ex_Lambda(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.Lambda(self.parameters(node.params), self.expression(node.body))

    def _elements(self, node: Any, ctx: ast.expr_context) -> list[ast.expr]:
        return [
            self.placed(ast.Starred(self.expression(one.value, ctx), ctx), one)
            if type(one).__name__ == "StarredElement"
            else self.expression(one.value, ctx)
            for one in node.elements
        ]

    def _ex_StarredElement(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        return ast.Starred(self.expression(node.value, ctx), ctx)

    def _ex_Tuple(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        return ast.Tuple(self._elements(node, ctx), ctx)

    def _ex_List(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        return ast.List(self._elements(node, ctx), ctx)

    def _ex_Set(self, node: Any, ctx: ast.expr_context) -> ast.expr:
        return ast.Set(self._elements(node, ctx))

    def _ex_Dict(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        keys = [self.optional(getattr(one, "key", None)) for one in node.elements]
        return ast.Dict(keys, [self.expression(one.value) for one in node.elements])

    def _generators(self, clause: Any) -> list[ast.comprehension]:
        found: list[ast.comprehension] = []
        while clause is not None:
            found.append(
                ast.comprehension(
                    target=self.target(clause.target),
                    iter=self.expression(clause.iter),
                    ifs=[self.expression(one.test) for one in clause.ifs],
                    is_async=int(clause.asynchronous is not None),
                )
            )
            clause = clause.inner_for_in
        return found

    def _ex_ListComp(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.ListComp(self.expression(node.elt), self._generators(node.for_in))

    def _ex_SetComp(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.SetComp(self.expression(node.elt), self._generators(node.for_in))

    def _ex_GeneratorExp(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.GeneratorExp(self.expression(node.elt), self._generators(node.for_in))

    def _ex_DictComp(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        key, value = self.expression(node.key), self.expression(node.value)
        return ast.DictComp(key, value, self._generators(node.for_in))

    def _ex_Await(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.Await(self.expression(node.expression))

    def _ex_Yield(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        if type(node.value).__name__ == "From":
            return ast.YieldFrom(self.expression(node.value.item))
        return ast.Yield(self.optional(node.value))

    def _ex_NamedExpr(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        target = self.target(node.target)
        return ast.NamedExpr(target, self.expression(node.value))  # type: ignore[arg-type]

    def _ex_FormattedString(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        return ast.JoinedStr(self._merged(self._parts(node)))

    _ex_TemplatedString = _ex_FormattedString

    def _ex_ConcatenatedString(self, node: Any, ctx: Any) -> ast.expr:  # noqa: ARG002
        pieces: list[Any] = []
        while type(node).__name__ == "ConcatenatedString":
            pieces.append(node.left)
            node = node.right
        pieces.append(node)
        values: list[ast.expr] = []
        formatted = False
        for one in pieces:
            if type(one).__name__ == "SimpleString":
                values.append(self.expression(one))
            else:
                formatted = True
                values += self._parts(one)
        merged = self._merged(values)
        if formatted:
            return ast.JoinedStr(merged)
        return merged[0] if merged else ast.Constant(_literal(pieces[0].value))

    def _parts(self, node: Any, prefix: str | None = None) -> list[ast.expr]:
        """The parts of a formatted string, or of a format inside one."""
        start = node.start if prefix is None else prefix
        end = start.lstrip("fFtTrR")
        raw = "r" in start.lower()
        found: list[ast.expr] = []
        parts = node.parts if hasattr(node, "parts") else node
        for one in parts:
            if type(one).__name__.endswith("Text"):
                text = one.value.replace("{{", "{").replace("}}", "}")
                opening = ("r" if raw else "") + end
                found.append(self.placed(ast.Constant(_literal(opening + text + end)), one))
            else:
                found += self._formatted(one, start)
        return found

    def _formatted(self, node: Any, start: str) -> list[ast.expr]:
        found: list[ast.expr] = []
        conversion = ord(node.conversion) if node.conversion else -1
        if node.equal is not None:
            equal = self._module.code_for_node(node.equal)
            text = self._module.code_for_node(node.expression) + equal
            found.append(self.placed(ast.Constant(text), node))
            if conversion == -1 and node.format_spec is None:
                conversion = ord("r")
        spec = None
        if node.format_spec is not None:
            inner = self._merged(self._parts(node.format_spec, start))
            spec = self.placed(ast.JoinedStr(inner), node)
        value = ast.FormattedValue(self.expression(node.expression), conversion, spec)
        return [*found, self.placed(value, node)]

    def _merged(self, values: list[ast.expr]) -> list[ast.expr]:
        """Neighbouring texts as one; empty ones are nothing."""
        found: list[ast.expr] = []
        for one in values:
            before = found[-1] if found else None
            if isinstance(one, ast.Constant) and isinstance(before, ast.Constant):
                before.value = before.value + one.value  # type: ignore[operator]
                before.end_lineno, before.end_col_offset = one.end_lineno, one.end_col_offset
            else:
                found.append(one)
        return [one for one in found if not (isinstance(one, ast.Constant) and one.value == "")]

    def parameters(self, node: Any) -> ast.arguments:
        """The parameters of a function or lambda."""
        star = node.star_arg
        vararg = self._parameter(star) if type(star).__name__ == "Param" else None
        positional = [*node.posonly_params, *node.params]
        return ast.arguments(
            posonlyargs=[self._parameter(one) for one in node.posonly_params],
            args=[self._parameter(one) for one in node.params],
            vararg=vararg,
            kwonlyargs=[self._parameter(one) for one in node.kwonly_params],
            kw_defaults=[self.optional(one.default) for one in node.kwonly_params],
            kwarg=self._parameter(node.star_kwarg) if node.star_kwarg is not None else None,
            defaults=[self.expression(o.default) for o in positional if o.default is not None],
        )

    def _parameter(self, node: Any) -> ast.arg:
        annotation = node.annotation.annotation if node.annotation is not None else None
        return self.placed(ast.arg(node.name.value, self.optional(annotation)), node)


def _literal(source: str) -> Any:
    """The value of a literal token (never more than a token: it is not evaluated as code)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(source)
