"""The npe2 manifest, written from the specs; a test holds `napari.yaml` to it."""

from __future__ import annotations

from ...framework.spec import NodeSpec
from ...io.layered import LAYERED
from ...nodes import all_nodes
from ._preferences import PLUGIN, configurations

HERE = "matting_nodes.hosts.napari"
SUBMENU = "matting_nodes"
# How the selected result was made, as something that makes it again.
AGAIN = {
    "copy_as_python": "Copy as Python",
    "save_as_workflow": "Save as workflow…",
    "run_on_another_picture": "Run on another picture…",
    "ask_for_workflow": "Open a workflow…",
}
# What layers of results are called; a file so called is asked whether it is one.
RESULTS = ("alpha", "mask", "foreground", "background", "composite", "cutout", "confidence")


def widget_name(spec: NodeSpec) -> str:
    """Return the name of a node's widget class in this package."""
    return spec.title.replace(" ", "") + "Widget"


def manifest() -> dict[str, object]:
    """Return the manifest."""
    nodes = {f"{PLUGIN}.{spec.name}": spec for spec in all_nodes()}
    return {
        "name": PLUGIN,
        # Short, since napari puts it behind every title: the words are in the summary.
        "display_name": "Image matting",
        "categories": ["Segmentation", "Annotation", "Image Processing"],
        "contributions": {
            "commands": [
                _command(f"{PLUGIN}.panel", "Image matting", "MattingPanel"),
                *(_command(name, spec.title, widget_name(spec)) for name, spec in nodes.items()),
                _command(f"{PLUGIN}.inspect", "Inspect", "InspectWidget"),
                _command(f"{PLUGIN}.graph", "Matting graph", "MattingGraph"),
                _command(f"{PLUGIN}.carry", "Carry trimaps through a clip", "CarryWidget"),
                _command(f"{PLUGIN}.blocks", "Matte in blocks", "BlocksWidget"),
                _command(f"{PLUGIN}.cut_out", "Cut out the object", "cut_out"),
                _command(f"{PLUGIN}.new_trimap", "New trimap", "new_trimap"),
                *(_command(f"{PLUGIN}.{name}", title, name) for name, title in AGAIN.items()),
                _command(f"{PLUGIN}.read_trimap", "Open as a trimap", "read_trimap"),
                _command(f"{PLUGIN}.read_result", "Open as it was saved", "read_result"),
                _command(f"{PLUGIN}.read_clip", "Open a clip", "read_clip"),
                _command(f"{PLUGIN}.read_workflow", "Open a workflow", "read_workflow"),
                _command(f"{PLUGIN}.read_zarr", "Open OME-Zarr", "read_zarr"),
                _command(f"{PLUGIN}.write_zarr", "Save as OME-Zarr", "write_zarr"),
                _command(f"{PLUGIN}.write_zarr_labels", "Save as OME-Zarr", "write_zarr_labels"),
                _command(f"{PLUGIN}.write_picture", "Save an image or alpha", "write_picture"),
                _command(f"{PLUGIN}.write_trimap", "Save a trimap or mask", "write_trimap"),
                _command(f"{PLUGIN}.write_layers", "Save for an image editor", "write_layers"),
                _command(f"{PLUGIN}.write_movie", "Save a movie", "write_movie"),
                _command(f"{PLUGIN}.open_lemur", "Open the lemur", "open_lemur"),
                _command(f"{PLUGIN}.open_cell", "Open the cell", "open_cell"),
                _command(f"{PLUGIN}.open_clip", "Open the lemur's clip", "open_clip"),
            ],
            "widgets": [
                {"command": f"{PLUGIN}.panel", "display_name": "Image matting"},
                *({"command": name, "display_name": spec.title} for name, spec in nodes.items()),
                {"command": f"{PLUGIN}.carry", "display_name": "Carry"},
                {"command": f"{PLUGIN}.blocks", "display_name": "Matte in blocks"},
                {"command": f"{PLUGIN}.inspect", "display_name": "Inspect"},
                {"command": f"{PLUGIN}.graph", "display_name": "Matting graph"},
            ],
            "menus": {
                "napari/layers/segment": [{"submenu": SUBMENU}],
                SUBMENU: [
                    # Its own group, since napari lists commands before widgets.
                    {"command": f"{PLUGIN}.panel", "group": "1_panel"},
                    *(
                        {"command": name, "group": "2_nodes"}
                        for name in (
                            f"{PLUGIN}.cut_out",
                            *nodes,
                            f"{PLUGIN}.carry",
                            f"{PLUGIN}.blocks",
                            f"{PLUGIN}.inspect",
                            f"{PLUGIN}.graph",
                        )
                    ),
                    *({"command": f"{PLUGIN}.{name}", "group": "3_again"} for name in AGAIN),
                ],
                "napari/layers/annotate": [{"command": f"{PLUGIN}.new_trimap"}],
            },
            "submenus": [{"id": SUBMENU, "label": "Image matting"}],
            "readers": [
                {
                    "command": f"{PLUGIN}.read_trimap",
                    "filename_patterns": ["*trimap*.png", "*trimap*.tif", "*trimap*.tiff"],
                    "accepts_directories": False,
                },
                {
                    "command": f"{PLUGIN}.read_result",
                    "filename_patterns": [
                        f"*{name}*.{ending}" for name in RESULTS for ending in ("tif", "tiff")
                    ],
                    "accepts_directories": False,
                },
                {
                    "command": f"{PLUGIN}.read_clip",
                    "filename_patterns": [
                        f"*.{ending}" for ending in ("mp4", "mov", "mkv", "webm", "m4v", "avi")
                    ],
                    "accepts_directories": False,
                },
                {
                    # Of PNG files only those that are called as ComfyUI calls them: for what two
                    # plugins read, napari asks each time.
                    "command": f"{PLUGIN}.read_workflow",
                    "filename_patterns": ["*.json", f"*_{5 * '[0-9]'}_.png"],
                    "accepts_directories": False,
                },
                {
                    "command": f"{PLUGIN}.read_zarr",
                    "filename_patterns": ["*.zarr"],
                    "accepts_directories": True,
                },
            ],
            "writers": [
                *(
                    {
                        "command": f"{PLUGIN}.{name}",
                        "layer_types": [layer],
                        "filename_extensions": [".ome.zarr", ".zarr"],
                        "display_name": "OME-Zarr",
                    }
                    for name, layer in (("write_zarr", "image"), ("write_zarr_labels", "labels"))
                ),
                {
                    "command": f"{PLUGIN}.write_movie",
                    "layer_types": ["image"],
                    "filename_extensions": [".mov", ".mp4", ".mkv", ".webm"],
                    "display_name": "movie",
                },
                _writer("write_picture", "mattes", "image"),
                _writer("write_trimap", "trimaps and masks", "labels"),
                {
                    "command": f"{PLUGIN}.write_layers",
                    "layer_types": ["image+", "labels*"],
                    "filename_extensions": list(LAYERED),
                    "display_name": "layers for an image editor",
                },
            ],
            "sample_data": [
                _sample("lemur", "Lemur (hair and fur: photo, trimap, alpha matte)"),
                _sample("cell", "Cell (quantitative phase microscopy)"),
                _sample("clip", "Clip of the lemur (100 frames, one of them painted)"),
            ],
            "configurations": configurations(),
        },
    }


def _command(name: str, title: str, target: str) -> dict[str, str]:
    return {"id": name, "title": title, "python_name": f"{HERE}:{target}"}


def _writer(function: str, title: str, layer: str) -> dict[str, object]:
    # npe2 chooses by type and ending alone, in no certain order: so they get every such layer,
    # and hand on those that are not ours.
    return {
        "command": f"{PLUGIN}.{function}",
        "layer_types": [layer],
        "filename_extensions": [".tif", ".tiff", ".png"],
        "display_name": title,
    }


def _sample(key: str, title: str) -> dict[str, str]:
    return {"key": key, "display_name": title, "command": f"{PLUGIN}.open_{key}"}
