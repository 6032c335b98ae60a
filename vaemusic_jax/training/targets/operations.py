"""The floating point operations of a function's matmuls, from JAX's own form of it, whatever XLA makes of them."""

import math
from typing import Any

import jax


def operations(function: Any, *shapes: Any) -> float:
    """Returns the floating point operations of the matmuls of one call.

    A loop whose length is an argument counts as one turn.

    Args:
        function: the function.
        *shapes: the shapes of its arguments.
    """
    return _of(jax.make_jaxpr(function)(*shapes).jaxpr)


def _of(jaxpr: Any) -> float:
    total = 0.0
    for equation in jaxpr.eqns:
        inner = [part for value in equation.params.values() for part in _jaxprs(value)]
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            shape = equation.invars[0].aval.shape
            total += 2.0 * equation.outvars[0].aval.size * math.prod(shape[axis] for axis in contracted)
        elif equation.primitive.name == "cond":
            total += max(map(_of, inner), default=0.0)
        else:
            total += sum(map(_of, inner)) * equation.params.get("length", 1)
    return total


def _jaxprs(value: Any) -> list[Any]:
    """Returns the functions inside a parameter of an equation."""
    if isinstance(value, (tuple, list)):
        return [part for each in value for part in _jaxprs(each)]
    value = getattr(value, "jaxpr", value)
    return [value] if hasattr(value, "eqns") else []
