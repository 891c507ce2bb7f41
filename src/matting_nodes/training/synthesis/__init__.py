"""Generated pictures to train on: everything is drawn, and the colors come from photographs."""

from .mattes import KINDS as DRAWN
from .mattes import matte
from .natural import KIND as NATURAL
from .scenes import SIZE, Scene, scene

KINDS = (*DRAWN, NATURAL)
"""Names of the kinds of scenes."""

__all__ = ["KINDS", "SIZE", "Scene", "matte", "scene"]
