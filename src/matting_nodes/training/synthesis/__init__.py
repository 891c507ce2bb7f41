"""Generated pictures to train on: everything is drawn, and the colors come from photographs."""

from .mattes import KINDS, matte
from .scenes import SIZE, Scene, scene

__all__ = ["KINDS", "SIZE", "Scene", "matte", "scene"]
