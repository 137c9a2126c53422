"""Class lists that several models share, under the names the original course used.

A model's own record may spell its list out or name one of these; a label's index is its class id.
Whether index 0 is the background differs from list to list, as it does from trainer to trainer.
"""

from typing import Tuple

_COCO80 = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
)
# COCO numbers its 80 classes 1 to 90 and leaves these ten numbers unused.
_COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)


def _coco91() -> Tuple[str, ...]:
    """COCO's classes under their own numbers, 0 being the background."""
    names = iter(_COCO80)
    labels = ["background"]
    for number in range(1, 91):
        if number in _COCO_GAPS:
            labels.append(f"unused_{number}")
        else:
            labels.append(next(names))
    return tuple(labels)


LABEL_SETS = {
    "coco": _coco91(),
    "coco80": _COCO80,
    "coco90": _coco91()[1:],
    "egohands": ("background", "hand"),
    "face": ("background", "face"),
    "signs": ("mandatory", "prohibitory", "warning"),
    "traffic": ("road_sign", "vehicle", "pedestrian", "bicycle"),
}
