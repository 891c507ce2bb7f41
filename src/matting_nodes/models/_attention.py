"""The attention of ViTMatte's transformer, a few rows of the picture at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.vitdet.modeling_vitdet import VitDetAttention, get_rel_pos

# How many pairs of places are compared at a time: bounds the memory, not the result. All at once
# they are 3 GB a head and layer for a picture of 4 megapixels.
AT_ONCE = 2**24


class RowsAtATime(VitDetAttention):  # type: ignore[misc]  # its class is Any
    """The same numbers as its base, whose memory grows with the square of the pixels."""

    def forward(self, hidden_state: Tensor, output_attentions: bool = False) -> tuple[Tensor]:
        """Map (N, h, w, C) to the same."""
        batch, height, width, _ = hidden_state.shape
        parts = self.qkv(hidden_state).reshape(batch, height, width, 3, self.num_heads, -1)
        queries, keys, values = parts.permute(3, 0, 4, 1, 2, 5).flatten(1, 2).unbind(0)
        keys, values = keys.flatten(1, 2)[None], values.flatten(1, 2)[None]
        down = get_rel_pos(height, height, self.rel_pos_h)
        across = get_rel_pos(width, width, self.rel_pos_w)
        rows = max(1, AT_ONCE // (len(queries) * width * height * width))
        seen = []
        for some, away in zip(queries.split(rows, dim=1), down.split(rows), strict=True):
            vertical = torch.einsum("nrwc,rkc->nrwk", some, away)[..., None]
            horizontal = torch.einsum("nrwc,wkc->nrwk", some, across)[..., None, :]
            nearness = (vertical + horizontal).flatten(3).flatten(1, 2)[None]
            some = some.flatten(1, 2)[None]
            seen.append(scaled_dot_product_attention(some, keys, values, nearness)[0])
        joined = torch.cat(seen, dim=1).view(batch, self.num_heads, height, width, -1)
        result: Tensor = self.proj(joined.permute(0, 2, 3, 1, 4).flatten(3))
        return (result,)


def attend_by_rows(network: Any) -> None:
    """Let all attention in a network be computed so."""
    for layer in network.modules():
        if type(layer) is VitDetAttention:
            layer.__class__ = RowsAtATime
