from __future__ import annotations

from ... import sample_data
from ._protocols import LayerData


def open_lemur() -> list[LayerData]:
    """Return the lemur photo, and its trimap and reference alpha, hidden at first."""
    from ._trimap import alpha_options, trimap_options, trimap_to_labels

    return [
        (sample_data.lemur(), {"name": "lemur", "rgb": True}, "image"),
        (
            sample_data.lemur_alpha(),
            {"name": "lemur reference alpha", "visible": False, **alpha_options(base="lemur")},
            "image",
        ),
        (
            trimap_to_labels(sample_data.lemur_trimap()),
            {"name": "lemur trimap", "visible": False, **trimap_options(base="lemur")},
            "labels",
        ),
    ]


def open_cell() -> list[LayerData]:
    """Return a microscopy image of a cell with its pixel size."""
    options = {"name": "cell", "scale": (0.107, 0.107), "units": ("micrometer", "micrometer")}
    return [(sample_data.cell(), options, "image")]
