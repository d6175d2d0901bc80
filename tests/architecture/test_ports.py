"""Every port has one implementation of the same name and signature, and the registry builds it."""

import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any, get_type_hints

import pytest

import activities
from activities.registry import methods
from workflows import ports

MARK = "__temporal_activity_definition"


def stubs() -> dict[str, Callable[..., Any]]:
    """The activity stubs of every port, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(ports.__path__):
        named = vars(import_module(f"workflows.ports.{module.name}")).values()
        found |= {one.__name__: one for one in named if callable(one) and hasattr(one, MARK)}
    return found


def implementations() -> list[Callable[..., Any]]:
    """Every activity method of every class in activities/."""
    found: list[Callable[..., Any]] = []
    for module in pkgutil.iter_modules(activities.__path__):
        name = f"activities.{module.name}"
        classes = [one for one in vars(import_module(name)).values() if inspect.isclass(one) and one.__module__ == name]
        found += [method for one in classes for method in vars(one).values() if hasattr(method, MARK)]
    return found


def shape(function: Callable[..., Any]) -> tuple[list[tuple[str, Any]], Any]:
    hints = get_type_hints(function)
    named = [name for name in inspect.signature(function).parameters if name != "self"]
    return [(name, hints[name]) for name in named], hints["return"]


def test_every_port_has_exactly_one_implementation() -> None:
    assert Counter(one.__name__ for one in implementations()) == Counter(list(stubs()))


@pytest.mark.parametrize("one", implementations(), ids=lambda one: one.__name__)
def test_an_implementation_has_the_signature_of_its_port(one: Callable[..., Any]) -> None:
    assert shape(one) == shape(stubs()[one.__name__])
    assert getattr(one, MARK).name == one.__name__


def test_the_registry_takes_public_methods_only() -> None:
    class Some:
        def act(self) -> None: ...

        def _hidden(self) -> None: ...

    assert [method.__name__ for method in methods(Some())] == ["act"]
