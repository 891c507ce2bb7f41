"""A new trimap: an empty layer to paint on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._choices import selected_or_last
from ._drawing import added_trimap
from ._trimap import tag

if TYPE_CHECKING:
    import napari


def new_trimap(viewer: napari.viewer.Viewer) -> None:
    """Add an empty trimap over the selected image, to be painted by hand."""
    from napari.layers import Image
    from napari.utils.notifications import show_warning

    images = [layer for layer in viewer.layers if isinstance(layer, Image)]
    image = selected_or_last(viewer, images)
    if image is None:
        show_warning("There is no image layer. A trimap is painted over an image. Open one first.")
        return
    # Over a result, a trimap is for the picture that it was made from.
    base = tag(image).get("base")
    image = next((layer for layer in images if layer.name == base), image)
    added_trimap(viewer, image, f"{image.name} trimap")
