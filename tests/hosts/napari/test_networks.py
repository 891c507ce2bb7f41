"""Networks in a real window."""

from __future__ import annotations

import numpy as np
import torch

from matting_nodes.models import catalog
from matting_nodes.models.pool import POOL


def test_torchvision_and_the_window_live_in_one_process(viewer, dock, finish, fur, tmp_path):
    """By way of torchvision comes Triton with an LLVM, where Mesa has brought another."""
    viewer.add_image(fur[0], name="fur", rgb=True)
    torch.manual_seed(0)
    path = tmp_path / "lraspp.pth"
    torch.save(catalog.model("lraspp_mobilenet_v3_large").build().state_dict(), path)
    widget = dock("Segment")
    widget.method.value = "semantic"
    widget.fields["semantic", "network"].value = "lraspp_mobilenet_v3_large"
    widget.fields["semantic", "weights"].value = str(path)
    assert finish(widget) == ""
    assert set(np.unique(viewer.layers["fur mask"].data)) <= {0, 1}
    assert POOL.free() == 1
