"""The parameters that networks share, as annotations of keywords of nodes and methods."""

from typing import Annotated, Literal

from ..framework.parameters import Advanced, File, Help, Slider

Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    Advanced(),
    Help("Where to compute; auto takes the fastest that the method can use."),
]

Weights = Annotated[
    str,
    File("Weights (*.pth *.pt *.safetensors *.ckpt *.bin *.npz)"),
    Advanced(),
    Help(
        "A file with weights of your own, or the name of a model that was trained here; empty "
        "for the published ones, fetched on first use."
    ),
]

Precision = Annotated[
    Literal["auto", "fp32", "fp16", "bf16"],
    Advanced(),
    Help(
        "What to compute in; auto is fp32, as published. The halves are faster on a GPU, and bf16 "
        "on a CPU that computes in it."
    ),
]

Recipe = Annotated[
    Literal["published", "full"],
    Advanced(),
    Help(
        "How the picture is brought to a size that the network takes: published, as its authors' "
        "demo does, often resized; full, at its own size, its sides filled up by reflection."
    ),
]

Tile = Annotated[
    int,
    Slider(0, 8192, unit="px"),
    Advanced(),
    Help("Side of the tiles that a large picture is cut into; 0 chooses."),
]

PatchOrder = Annotated[
    Literal["as published", "rows", "columns", "check"],
    Advanced(),
    Help(
        "How the network's decoder orders patches of the picture: weights from before November "
        "2024 want columns, later ones rows, and no file says so. For weights of your own, check "
        "tries both, takes the mask with less doubt, and tells if they differ."
    ),
]
