"""Methods of Make Trimap: one a module, found by name."""

from ..framework.register import load_modules

load_modules(__name__, __path__)
