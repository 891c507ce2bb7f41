"""Results as layers: made once, then updated in place, so that the user's view stays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar
from weakref import finalize

import numpy as np

from ...arrays import Kind, Pixels
from ...framework.normalization import ValueRange
from ._layers import sha256
from ._places import Shape, put_in_place, transforms
from ._protocols import Layer, LayerMeta, Viewer, is_labels, without_proxy
from ._trimap import TAG, alpha_options, tag, trimap_options, trimap_to_labels

VIEWING = ("pan_zoom", "transform", "select")
"""Modes of layers in which the mouse adds nothing."""


def layer_data(
    value: Pixels, kind: Kind, range_: ValueRange | None = None, soft: bool = False
) -> Pixels:
    """Return a frame as its layer holds it; colors keep a third axis.

    Grey pictures are in the numbers of the layer that they come from. Colors are in 0..1, since
    napari shows no others: contrast limits are for grey.

    Parameters
    ----------
    value : (H, W) or (H, W, C) array
        The result.
    kind : Kind
        What it is.
    range_ : ValueRange, optional
        Range of a picture's values; 0..1 by default.
    soft : bool
        Whether a mask holds shares between 0 and 1, and not labels.
    """
    if kind is Kind.TRIMAP:
        return trimap_to_labels(value)
    if kind is Kind.MASK and not soft:
        return (value > 0.5).astype(np.uint8)
    if kind is Kind.IMAGE and value.shape[2] == 1:
        return value[..., 0]
    if kind is Kind.IMAGE and range_ is not None:
        if value.shape[2] == 3 and (value == value[..., :1]).all():
            return value[..., 0]
        return np.dstack([range_.normalized(value[..., :3]), value[..., 3:]])
    return value


class _Made:
    """The layers that are results in one viewer, until they are removed."""

    _in_viewers: ClassVar[dict[int, _Made]] = {}

    def __init__(self, viewer: Viewer) -> None:
        self.by_maker: dict[str, dict[tuple[Layer, str], tuple[Layer, int]]] = {}
        self._layers = viewer.layers
        viewer.layers.events.removed.connect(self._forget_removed)

    @classmethod
    def of(cls, viewer: Viewer) -> _Made:
        """Return those of a viewer."""
        # Each widget gets a proxy of its own.
        viewer = without_proxy(viewer)
        if id(viewer) not in cls._in_viewers:
            cls._in_viewers[id(viewer)] = cls(viewer)
            finalize(viewer, cls._in_viewers.pop, id(viewer))
        return cls._in_viewers[id(viewer)]

    def _forget_removed(self, _event: object = None) -> None:
        present = list(self._layers)
        for made in self.by_maker.values():
            for key, (layer, _) in list(made.items()):
                if key[0] not in present or layer not in present:
                    del made[key]


class ResultLayers:
    """The layers that one widget made, by the layers they were made from and the output.

    Layers are held themselves, not by name: a renamed layer is still updated, and a
    stranger's with the same name is left alone. A widget that is opened again goes on with the
    layers of the one before it.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are.
    maker : str
        What makes them.
    """

    def __init__(self, viewer: Viewer, maker: str) -> None:
        self._viewer = viewer
        self._made = _Made.of(viewer).by_maker.setdefault(maker, {})

    def show(
        self,
        name: str,
        label: str,
        kind: Kind,
        data: Pixels,
        rgb: bool,
        source: Layer,
        reference: Layer,
        provenance: Mapping[str, object],
        range_: ValueRange | None = None,
        plane: Shape | None = None,
    ) -> None:
        """Show a result.

        Parameters
        ----------
        name : str
            The output's name.
        label : str
            What a new layer is called, after the name of the picture that all began with.
        kind : Kind
            Its kind.
        data : array
            Its frames as `layer_data` gives them, stacked.
        rgb : bool
            Whether its last axis is color.
        source : Layer
            The layer that it was made from: another source gets another result layer.
        reference : Layer
            A layer with the result's axes, where it is to lie.
        provenance : dict
            Goes into the layer's metadata.
        range_ : ValueRange, optional
            Range of a picture's values, for the contrast limits; 0..1 by default.
        plane : tuple of int, optional
            The plane of the stack that alone is new; the layer keeps the others.
        """
        layer, written = self._made.get((source, name), (None, 0))
        base = tag(source).get("base", source.name)
        provenance = {"output": name, "base": base, **provenance}
        # What the user painted into a result is theirs: the new result gets a layer of its own.
        if plane is not None and layer is not None and layer.data.shape == data.shape:
            others = np.array(layer.data, data.dtype)
            others[plane] = data[plane]
            data = others
        if kind in (Kind.MASK, Kind.TRIMAP):
            provenance["sha256"] = sha256(data)
        painted = layer is not None and written and written != _checksum(layer.data)
        if layer is None or painted or not fits(layer, kind, data, rgb):
            limits = (0, 1) if rgb or range_ is None else range_.limits
            with below_what_is_edited(self._viewer):
                layer = self.add(f"{base} {label}", kind, data, rgb, reference, provenance, limits)
        else:
            layer.data = data
            put_in_place(layer, reference)
            layer.metadata = {**layer.metadata, TAG: {"kind": kind.value, **provenance}}
        editable = kind in (Kind.MASK, Kind.TRIMAP)
        self._made[source, name] = layer, _checksum(data) if editable else 0

    def add(
        self,
        name: str,
        kind: Kind,
        data: Pixels,
        rgb: bool,
        reference: Layer | None,
        provenance: Mapping[str, object],
        limits: tuple[float, float],
    ) -> Layer:
        """Return a new layer of a result.

        Parameters
        ----------
        name : str
            What it is called.
        kind : Kind
            Its kind.
        data : array
            Its frames as `layer_data` gives them, stacked.
        rgb : bool
            Whether its last axis is color.
        reference : Layer, optional
            A layer with its axes, where it is to lie.
        provenance : dict
            Goes into its metadata.
        limits : (low, high)
            Contrast limits of a picture.
        """
        place = transforms(reference) if reference is not None else {}
        if kind is Kind.TRIMAP:
            options = trimap_options(**provenance)
            layer = self._viewer.add_labels(data, name=name, **options, **place)
            layer.selected_label, layer.brush_size = 2, 20
            return layer
        if kind is Kind.ALPHA:
            options = alpha_options(**provenance)
            return self._viewer.add_image(data, name=name, **options, **place)
        metadata = {TAG: {"kind": kind.value, **provenance}}
        if kind is Kind.MASK and not _is_label(kind, data):
            # What is surely background shows the picture below as it is.
            look: LayerMeta = {"opacity": 0.5, "blending": "additive", "contrast_limits": (0, 1)}
            return self._viewer.add_image(data, name=name, metadata=metadata, **look, **place)
        if kind is Kind.MASK:
            return self._viewer.add_labels(data, name=name, metadata=metadata, opacity=0.5, **place)
        return self._viewer.add_image(
            data,
            name=name,
            rgb=rgb,
            contrast_limits=limits,
            metadata=metadata,
            **place,
        )


@contextmanager
def below_what_is_edited(viewer: Viewer) -> Iterator[None]:
    """Put layers that are added below the one that is being painted or pointed on; keep it active.

    Parameters
    ----------
    viewer : Viewer
        Where layers are added.
    """
    active, before = viewer.layers.selection.active, list(viewer.layers)
    yield
    if active is None or active.mode in VIEWING:
        return
    for layer in list(viewer.layers):
        if layer not in before:
            viewer.layers.move(viewer.layers.index(layer), viewer.layers.index(active))
    viewer.layers.selection.active = active


def _is_label(kind: Kind, data: Pixels) -> bool:
    """Tell whether a result is a Labels layer: a trimap or a hard mask."""
    return kind is Kind.TRIMAP or (kind is Kind.MASK and data.dtype.kind != "f")


def fits(layer: Layer, kind: Kind, data: Pixels, rgb: bool) -> bool:
    """Tell whether a layer can take this data in place."""
    was_rgb = getattr(layer, "rgb", False)
    # A mask that was hard may be soft now.
    fits_type = is_labels(layer) == _is_label(kind, data)
    return fits_type and was_rgb == rgb and layer.ndim + was_rgb == data.ndim


def painted_over(layer: Layer) -> str:
    """Return the title of the node that made a layer, if it was painted over after that."""
    return edited_after(tag(layer), layer.data) if isinstance(layer.data, np.ndarray) else ""


def edited_after(made: LayerMeta, data: Pixels) -> str:
    """Return the title of the node that made some data, if they are no longer what it made.

    Parameters
    ----------
    made : dict
        The tag of their layer.
    data : array
        They.
    """
    digest = made.get("sha256")
    if digest is None or digest == sha256(data):
        return ""
    return str(made.get("node", "")).replace("_", " ").title() or "it was saved"


def _checksum(data: Pixels) -> int:
    return zlib.crc32(np.ascontiguousarray(data).data) or 1
