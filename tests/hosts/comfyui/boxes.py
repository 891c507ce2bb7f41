"""A custom node package for the tests: gives boxes in the very structures of published packages."""

from collections import namedtuple

import numpy as np

SEG = namedtuple(
    "SEG",
    ["cropped_image", "cropped_mask", "confidence", "crop_region", "bbox", "label", "control_net"],
)
PLACES = ("left", "top", "right", "bottom")


class BoxesOfPacks:
    """One object, as each package would give it.

    florence: `bboxes.append(bbox)`, lists [x1, y1, x2, y2]
    (kijai/ComfyUI-segment-anything-2, nodes.py, Florence2toCoordinates.segment)
    points_editor: `bboxes_xyxy.append((x_min, y_min, x_max, y_max))`
    (kijai/ComfyUI-KJNodes, nodes/curve_nodes.py, PointsEditor.pointdata)
    batch_crop: `bounding_boxes.append((min_x, min_y, max_x - min_x, max_y - min_y))`, a size!
    (kijai/ComfyUI-KJNodes, nodes/batchcrop_nodes.py, BatchCropFromMask.crop)
    automatic: `bbox_list = [item['bbox'] for item in result_dict]`, x, y, width, height of SAM
    (kijai/ComfyUI-segment-anything-2, nodes.py, Sam2AutoSegmentation.segment)
    segs: `SEG(cropped_image, cropped_mask, confidence, crop_region, item_bbox, label, None)` with
    `bboxes = pred[0].boxes.xyxy.cpu().numpy()`, after `shape = image.shape[1], image.shape[2]`
    (ltdrdata/ComfyUI-Impact-Subpack, modules/subcore.py, UltraBBoxDetector.detect)
    """

    RETURN_TYPES = ("BBOX", "SEGS")
    FUNCTION = "give"
    CATEGORY = "test"

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802 (ComfyUI's name)
        kinds = ["florence", "points_editor", "batch_crop", "automatic", "segs"]
        places = {name: ("INT", {"default": 0, "min": 0, "max": 9999}) for name in PLACES}
        return {"required": {"image": ("IMAGE",), "kind": (kinds,), **places}}

    def give(self, image, kind, left, top, right, bottom):
        corners = np.float32([left, top, right, bottom])
        sides = (left, top, right - left, bottom - top)
        boxes = {
            "florence": [[float(number) for number in corners]],
            "points_editor": [(left, top, right, bottom)],
            "batch_crop": [tuple(np.int64(number) for number in sides)],
            "automatic": [[float(number) for number in sides]],
        }
        segment = SEG(None, np.ones((8, 8)), 0.9, [left, top, right, bottom], corners, "cat", None)
        return boxes.get(kind, []), ((image.shape[1], image.shape[2]), [segment])


NODE_CLASS_MAPPINGS = {"BoxesOfPacks": BoxesOfPacks}
