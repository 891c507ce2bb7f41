"""A thin stand-in for the part of ComfyUI's V3 interface that the nodes use.

Written from its documentation, to test tensors and schemas where ComfyUI is not at hand;
test_host.py tests the same against the real one.
"""

from types import SimpleNamespace


class _Wire:
    def __init__(self, id=None, display_name=None, optional=False, tooltip=None, **more):
        self.id, self.optional, self.tooltip = id, optional, tooltip
        vars(self).update(more)


def _kind(name):
    return type(
        name,
        (),
        {
            "Input": type(f"{name}Input", (_Wire,), {}),
            "Output": type(f"{name}Output", (_Wire,), {}),
        },
    )


class _MultiType:
    class Input(_Wire):
        def __init__(self, socket, types):
            super().__init__(**vars(socket))
            self.types = [type(socket).__name__.removesuffix("Input"), *types]


class _Option:
    def __init__(self, key, inputs):
        self.key, self.inputs = key, inputs


class _Output:
    def __init__(self, *args, ui=None):
        self.args, self.ui = args, ui


class _ComfyNode:
    hidden = SimpleNamespace(
        unique_id="7",
        prompt={"7": {"class_type": "", "inputs": {}}},
        extra_pnginfo={"workflow": {}},
    )


class _Schema:
    def __init__(self, **fields):
        vars(self).update(fields)


_KINDS = ("Image", "Mask", "BoundingBox", "String", "Boolean", "Int", "Float", "Combo", "Video")
io = SimpleNamespace(
    **{name: _kind(name) for name in _KINDS},
    Custom=str,
    MultiType=_MultiType,
    Input=_Wire,
    Output=_Wire,
    DynamicCombo=type("DynamicCombo", (_kind("DynamicCombo"),), {"Option": _Option}),
    Hidden=SimpleNamespace(unique_id="UNIQUE_ID", prompt="PROMPT", extra_pnginfo="EXTRA_PNGINFO"),
    Schema=_Schema,
    ComfyNode=_ComfyNode,
    NodeOutput=_Output,
    UploadType=SimpleNamespace(image="image_upload"),
    FolderType=SimpleNamespace(temp="temp"),
)


class _Preview:
    def __init__(self, batch, cls=None):
        self.batch = batch

    def as_dict(self):
        return {"images": [{"filename": f"{n}.png"} for n in range(len(self.batch))]}


class _PreviewMask(_Preview):
    pass


class _VideoFromFile:
    def __init__(self, file, start=0.0, duration=0.0):
        self.file, self.window = file, (start, duration)

    def get_stream_source(self):
        return self.file

    def get_active_trim_window(self):
        return self.window


ui = SimpleNamespace(
    PreviewImage=_Preview,
    PreviewMask=_PreviewMask,
    PreviewVideo=lambda results: SimpleNamespace(as_dict=lambda: {"images": results}),
    SavedResult=lambda *where: where,
)
InputImpl = SimpleNamespace(VideoFromFile=_VideoFromFile)


class ComfyExtension:
    pass
