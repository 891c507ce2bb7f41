"""Training the catalog's networks: from data in its published layouts to weights of one's own.

Importing it is light: Lightning is imported when a training begins.
"""

from .layouts import LAYOUTS, Folders, Found, find_samples
from .preparation import prepare
from .recipes import RECIPES, recipe
from .samples import Sample
from .settings import Settings, read_settings
from .trainer import Trained, train

__all__ = [
    "LAYOUTS",
    "RECIPES",
    "Folders",
    "Found",
    "Sample",
    "Settings",
    "Trained",
    "find_samples",
    "prepare",
    "read_settings",
    "recipe",
    "train",
]
