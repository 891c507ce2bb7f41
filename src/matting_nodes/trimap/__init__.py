"""Ways to get a trimap: one method a module, found by name."""

from ..node import load_modules

load_modules(__name__, __path__)
