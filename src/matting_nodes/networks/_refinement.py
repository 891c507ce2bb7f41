"""The second stage of Deep Image Matting: four convolutions that sharpen the first alpha."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Refinement(nn.Module):
    """A base for networks whose alpha is refined by four convolutions at full resolution."""

    def __init__(self, *, refinement: bool = True) -> None:
        super().__init__()
        self.refinement = refinement
        if not refinement:
            return
        self.refine_conv1 = nn.Conv2d(4, 64, 3, padding=1)
        self.refine_conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.refine_conv3 = nn.Conv2d(64, 64, 3, padding=1)
        self.refine_pred = nn.Conv2d(64, 1, 3, padding=1)

    def refine(self, image: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the alpha of the first stage's logits, (N, 1, H, W), and the refined one.

        Parameters
        ----------
        image : (N, 3, H, W)
            ImageNet-normalized.
        logits : (N, 1, H, W)
            Logits of the first stage.
        """
        first = logits.sigmoid()
        if not self.refinement:
            return first, first
        x = torch.cat((image, first), dim=1)
        for layer in (self.refine_conv1, self.refine_conv2, self.refine_conv3):
            x = F.relu(layer(x))
        return first, (logits + self.refine_pred(x)).sigmoid()
