"""A calculation that anyone can redo: named terms, a formula over their names, a result.

The result is always computed from the formula and the terms, so that prose and arithmetic cannot disagree.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Mapping

from truelimit.domain.frozen import dataclass
from truelimit.domain.provenance import Basis, Known, worst

Number = int | float


@dataclass(frozen=True, slots=True)
class Term:
    """One named number of a calculation, with unit, source and basis."""

    name: str
    value: Number
    unit: str
    source: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Calculation:
    """Terms, a formula over their names, and the result it gives."""

    terms: tuple[Term, ...]
    formula: str
    result: Number
    unit: str

    @property
    def basis(self) -> Basis:
        """The worst basis among the terms."""
        return worst(term.basis for term in self.terms)


_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
}


def term(name: str, known: Known[int] | Known[float], unit: str) -> Term:
    """Return a term for a known value, keeping its source and basis."""
    return Term(name, known.value, unit, known.where, known.basis)


def calculate(formula: str, unit: str, *terms: Term) -> Calculation:
    """Return the calculation of ``formula`` over ``terms``.

    The formula may use term names, numbers, + - * / // % ** and min, max, sqrt, ceil, floor, round.
    Raises ValueError for an unknown name or another construct, and ArithmeticError as Python does.
    """
    result = evaluate(formula, {item.name: item.value for item in terms})
    return Calculation(terms, formula, result, unit)


def evaluate(formula: str, values: Mapping[str, Number]) -> Number:
    """Return the value of an arithmetic formula over named values. Raises ValueError for anything else."""
    return _value(_parsed(formula), values, formula)


@functools.lru_cache(maxsize=512)
def _parsed(formula: str) -> ast.expr:
    """Return a formula as a tree, which nobody changes: the same few are evaluated for many contexts."""
    return ast.parse(formula, mode="eval").body


def _value(node: ast.AST, values: Mapping[str, Number], formula: str) -> Number:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, values, formula), _value(right, values, formula))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values, formula)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(arg, values, formula) for arg in args))
    raise ValueError(f"formula {formula!r}: {ast.unparse(node)!r} is not a known term or operation")
