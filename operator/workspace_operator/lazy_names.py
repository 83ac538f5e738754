"""Packages that offer names of their modules, each imported when it is first used (PEP 562).

Such a package imports the names for the type checker only, and lists them by module here: a type checker that sees a
``__getattr__`` would accept every name. A command then loads the modules that it
uses, and not all that the package has.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    Args:
        package: the full name of the package.
        modules: names, separated by spaces, by the full name of the module that has them.
    """
    module_of = {name: module for module, names in modules.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(module_of[name]), name)

    return get
