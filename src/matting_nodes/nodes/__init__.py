"""The nodes a user sees: one file a node, in the order of the pipeline."""

from ..framework.register import load_modules
from ..framework.spec import NODES, NodeSpec

load_modules(__name__, __path__)


def all_nodes() -> list[NodeSpec]:
    """Return every node, in the order of the pipeline."""
    return sorted(NODES.values(), key=lambda spec: spec.step)
