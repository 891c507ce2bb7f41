"""Keep workflows as this version saves them: `python scripts/keep_workflows.py`, once a release.

Writes tests/fixtures/workflows/VERSION: what napari's *Save as workflow* writes, both formats of
`Document`, and a PNG with the texts that ComfyUI's Save Image writes. A test opens and runs those
of every version; a folder that is there is never written again. It needs a display (xvfb-run).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import napari
import numpy as np
from PIL import Image, PngImagePlugin

from matting_nodes import alpha_matte, sample_data, write_image
from matting_nodes.graph import Document, Link
from matting_nodes.hosts.napari._reproduce import write_workflow
from matting_nodes.hosts.napari._trimap import labels_to_trimap, trimap_options, trimap_to_labels
from matting_nodes.version import __version__

KEPT = Path(__file__).parent.parent / "tests/fixtures/workflows"
SIZE = (102, 66)


def main() -> int:
    """Write the fixtures of this version."""
    folder = KEPT / __version__
    if folder.exists():
        print(f"{folder} is there already: it is kept as it is", file=sys.stderr)
        return 1
    (folder / "napari").mkdir(parents=True)
    photo = cv2.resize(sample_data.lemur(), SIZE, interpolation=cv2.INTER_AREA)
    painted = cv2.resize(sample_data.lemur_trimap(), SIZE, interpolation=cv2.INTER_NEAREST)
    labels = trimap_to_labels(painted)
    write_image(folder / "photo.png", photo)
    write_image(folder / "painted.png", labels_to_trimap(labels))
    document = drawn()
    document.save(folder / "api.json")
    document.save(folder / "ui.json", "ui")
    as_comfyui(folder / "ComfyUI_00001_.png", folder)
    from_napari(np.round(photo * 255).astype(np.uint8), labels, folder / "napari")
    alpha = alpha_matte(photo, labels_to_trimap(labels), method="closed_form")
    write_image(folder / "expected.png", alpha)
    return 0


def drawn() -> Document:
    """Return a workflow as a user of the canvas makes one."""
    document = Document()
    photo = document.add("MattingNodesLoadPicture", (0, 0), {"image": "photo.png"})
    painted = document.add("MattingNodesLoadPicture", (0, 300), {"image": "painted.png"})
    red = document.add("ImageToMask", (360, 300), {"image": Link(painted), "channel": "red"})
    matte = document.add("MattingNodesAlphaMatte", (720, 0), {"method": "closed_form"})
    document.connect(Link(photo), matte, "image")
    document.connect(Link(red), matte, "trimap")
    foreground = document.add("MattingNodesEstimateForeground", (1080, 0), {"image": Link(photo)})
    document.connect(Link(matte), foreground, "alpha")
    over = document.add("MattingNodesComposite", (1440, 0), {"image": Link(photo)})
    document.connect(Link(matte), over, "alpha")
    document.connect(Link(foreground), over, "foreground")
    document.set(over, "color", "#336699")
    for place, (name, node) in enumerate({"alpha": matte, "image": over}.items()):
        end = document.add("MattingNodesSavePicture", (1800, 300 * place), {name: Link(node)})
        document.set(end, "filename_prefix", name)
    document.rename(matte, "Hair")
    document.group("Matte", [matte, foreground])
    return document


def as_comfyui(path: Path, folder: Path) -> None:
    """Write a PNG with the texts of ComfyUI's Save Image: the prompt, then the page."""
    info = PngImagePlugin.PngInfo()
    for name, file in (("prompt", "api.json"), ("workflow", "ui.json")):
        info.add_text(name, json.dumps(json.loads((folder / file).read_text("utf-8"))))
    picture = Image.fromarray(np.full((*SIZE[::-1], 3), (51, 102, 153), np.uint8))
    picture.save(path, pnginfo=info, compress_level=4)


def from_napari(photo: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """Write what *Save as workflow* does of a matte of a painted trimap."""
    viewer = napari.Viewer(show=False)
    viewer.add_image(photo, name="photo")
    viewer.add_labels(labels, name="painted", **trimap_options())
    _, widget = viewer.window.add_plugin_dock_widget("matting-nodes", "Alpha Matte")
    widget.method.value = "closed_form"
    widget.run()
    while widget.running:
        napari.qt.get_qapp().processEvents()
    write_workflow(viewer, "photo alpha", folder)
    viewer.close()


if __name__ == "__main__":
    sys.exit(main())
