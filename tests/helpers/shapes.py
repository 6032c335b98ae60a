"""Holds arrays to the shapes that their names say, wherever a test calls a function of the package.

The package writes an array's shape into its name: z_BxZ is (B, Z), eps_2xBxZ is (2, B, Z), state_Bx2H is (B, 2 H). That
is all that a run-time checker needs to know, so there are no annotations that say it a second time.
"""

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

SHAPE = re.compile(r"_((?:\d*[A-Z]|\d+)(?:x(?:\d*[A-Z]|\d+))*)$")


class ShapeError(TypeError):
    """An argument has another shape than its name says."""


def check_shapes(*names: str) -> None:
    """From now on, functions and methods of these modules check what they are given.

    Give modules in the order in which they import each other: whoever imports a function later gets the checked one.
    """
    for name in names:
        module = importlib.import_module(name)
        replace_functions(module, module)
        for value in list(vars(module).values()):
            if inspect.isclass(value) and value.__module__ == name:
                replace_functions(value, module)


def replace_functions(owner: Any, module: ModuleType) -> None:
    for name, value in list(vars(owner).items()):
        if inspect.isfunction(value) and value.__module__ == module.__name__:
            setattr(owner, name, checked(value))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself where no argument's name says a shape."""
    signature = inspect.signature(function)
    if not any(map(SHAPE.search, signature.parameters)):
        return function

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        assert_shapes(function.__qualname__, signature.bind(*args, **kwargs).arguments)
        return function(*args, **kwargs)

    return called


def assert_shapes(function: str, arguments: Mapping[str, Any]) -> None:
    """ShapeError unless there is one size for each letter with which all shapes are as named."""
    sizes: dict[str, int] = {}
    for name, value in arguments.items():
        said = SHAPE.search(name)
        if not said or not hasattr(value, "shape"):
            continue
        axes = said[1].split("x")
        fits = len(axes) == len(value.shape)
        for axis, size in zip(axes, value.shape, strict=False):
            times, letter = re.fullmatch(r"(\d*)([A-Z]?)", axis).groups()  # type: ignore[union-attr]
            one = sizes.setdefault(letter, size // int(times or 1)) if letter else 1
            fits &= size == int(times or 1) * one
        if not fits:
            raise ShapeError(f"{function}: {name} has shape {tuple(value.shape)}, where {sizes}")
