"""Detections: what was found in one picture, as one checked value that nobody can change.

Boxes are floats in pixels of the picture, x1 y1 x2 y2. They become integers only where they are
drawn.
"""

import shlex
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple, Union

import numpy as np

from .support.errors import CourseError, need
from .support.ranges import number

Numbers = Union[np.ndarray, Sequence]

CONFIDENCE = number(0, 1)  # the range of confidences and of thresholds for them


class Detections:
    """The boxes, confidences and class ids of one picture: parallel arrays, one row a box.

    They unpack as the original course's three arrays, and `len` is the number of boxes:

    >>> found = Detections(
    ...     boxes=[[10, 20, 110, 220], [300, 40, 380, 90], [5, 5, 25, 45]],
    ...     confs=[0.5, 0.875, 0.25],
    ...     clss=[2, 1, 2],
    ... )
    >>> boxes, confs, clss = found
    >>> boxes.shape, confs.shape, clss.shape, len(found)
    ((3, 4), (3,), (3,), 3)

    They do not change. What picks some of them makes new Detections:

    >>> found.above(0.3).of_class(2).boxes.tolist()
    [[10.0, 20.0, 110.0, 220.0]]
    >>> found.top(2).confs.tolist()
    [0.875, 0.5]
    >>> print(found.top(1).to_text(["background", "traffic light", "person"]), end="")
    'traffic light' 0.875 300.000 40.000 380.000 90.000

    Arrays that do not fit together are refused, and so are impossible boxes and confidences:

    >>> Detections(boxes=[[10, 20, 30, 40]], confs=[0.5], clss=[1, 2])
    Traceback (most recent call last):
    trt_course.support.errors.CourseError: Detections: clss has shape (2,); wanted: (1,), ...
    """

    __slots__ = ("boxes", "confs", "clss", "dropped")

    boxes: np.ndarray  # (n, 4) float32, x1 y1 x2 y2 in pixels of the picture
    confs: np.ndarray  # (n,) float32, 0 to 1
    clss: np.ndarray  # (n,) int64, class ids
    dropped: int  # rows that the decoder left out: not boxes, not numbers, or of an unknown class

    def __init__(
        self, boxes: Numbers = (), confs: Numbers = (), clss: Numbers = (), dropped: int = 0
    ) -> None:
        # Copies, so that nobody else holds them.
        boxes = np.array(boxes, dtype=np.float32)
        confs = np.array(confs, dtype=np.float32)
        clss = np.array(clss, dtype=np.int64)
        if boxes.size == 0:
            boxes = boxes.reshape(-1, 4)

        rows = boxes.shape[:1]
        _require_shape("boxes", boxes, rows + (4,))
        _require_shape("confs", confs, rows)
        _require_shape("clss", clss, rows)
        _require_boxes(boxes)
        _require_confidences(confs)

        for array in (boxes, confs, clss):
            array.flags.writeable = False
        self._store(boxes, confs, clss, int(dropped))

    @classmethod
    def trusted(
        cls, boxes: np.ndarray, confs: np.ndarray, clss: np.ndarray, dropped: int
    ) -> "Detections":
        """Make them from read-only arrays that the decoder has checked, without copying them."""
        made = cls.__new__(cls)
        made._store(boxes, confs, clss, dropped)
        return made

    def _store(self, boxes: np.ndarray, confs: np.ndarray, clss: np.ndarray, dropped: int) -> None:
        # Past __setattr__, which refuses.
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "confs", confs)
        object.__setattr__(self, "clss", clss)
        object.__setattr__(self, "dropped", dropped)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            "Detections do not change; make new ones, for instance with keep() or above()"
        )

    def __reduce__(self) -> Tuple[Any, ...]:
        return Detections, (self.boxes, self.confs, self.clss, self.dropped)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.boxes, self.confs, self.clss))

    def __len__(self) -> int:
        return len(self.boxes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Detections):
            return False
        return all(np.array_equal(ours, theirs) for ours, theirs in zip(self, other))

    def __repr__(self) -> str:
        return f"Detections({len(self)} boxes)"

    def keep(self, index: Union[np.ndarray, Sequence[int], slice]) -> "Detections":
        """The detections that a boolean mask, a list of positions or a slice picks."""
        return Detections(self.boxes[index], self.confs[index], self.clss[index], self.dropped)

    def above(self, conf_th: float) -> "Detections":
        """Those whose confidence reaches the threshold."""
        return self.keep(self.confs >= np.float32(conf_th))

    def of_class(self, *classes: int) -> "Detections":
        """Those of one of these class ids."""
        return self.keep(np.isin(self.clss, classes))

    def top(self, k: int) -> "Detections":
        """The k most confident, most confident first; equal confidences keep their order."""
        order = np.argsort(-self.confs, kind="stable")
        return self.keep(order[:k])

    def to_text(self, labels: Sequence[str]) -> str:
        """One line a box: `class confidence x1 y1 x2 y2`; a class name with blanks is quoted.

        `labels` are the names of the class ids.
        """
        lines = []
        for box, conf, cls in zip(self.boxes.tolist(), self.confs.tolist(), self.clss.tolist()):
            label = shlex.quote(labels[cls])
            x1, y1, x2, y2 = box
            lines.append(f"{label} {conf:.9g} {x1:.3f} {y1:.3f} {x2:.3f} {y2:.3f}\n")
        return "".join(lines)

    def to_coco(self, image_id: int, category_ids: Mapping[int, int]) -> List[Dict[str, Any]]:
        """COCO's results; `category_ids` maps class ids to the ground truth's category ids."""
        results = []
        for box, conf, cls in zip(self.boxes.tolist(), self.confs.tolist(), self.clss.tolist()):
            x1, y1, x2, y2 = box
            results.append(
                {
                    "image_id": image_id,
                    "category_id": category_ids[cls],
                    "score": conf,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],  # x, y, width, height
                }
            )
        return results

    def to_supervision(self) -> Any:
        """The same as a `supervision.Detections`, which that library's tools work on.

        Supervision (pip install supervision) draws boxes in many ways, follows objects from frame
        to frame, and counts them in zones and at lines:

            found = ssd.detect(image).to_supervision()
            corners = supervision.BoxCornerAnnotator().annotate(image.copy(), found)

        Its arrays are copies and may be changed. `dropped` stays behind.
        """
        supervision = need("supervision")
        return supervision.Detections(
            xyxy=self.boxes.copy(), confidence=self.confs.copy(), class_id=self.clss.copy()
        )

    @classmethod
    def from_supervision(cls, other: Any) -> "Detections":
        """The boxes, confidences and class ids of a `supervision.Detections`, and no more of it."""
        return cls(other.xyxy, other.confidence, other.class_id)


def _require_shape(name: str, array: np.ndarray, shape: Tuple[int, ...]) -> None:
    """Each array has as many rows as there are boxes."""
    if array.shape != shape:
        raise CourseError(
            f"Detections: {name} has shape {array.shape}; wanted: {shape}, "
            "boxes being (n, 4), x1 y1 x2 y2"
        )


def _require_boxes(boxes: np.ndarray) -> None:
    """Each row is a box: finite, with its corners in order."""
    finite = np.isfinite(boxes).all()
    in_order = (boxes[:, 2:] >= boxes[:, :2]).all()
    if not (finite and in_order):
        raise CourseError("Detections: a box is not finite, or has x2 < x1 or y2 < y1")


def _require_confidences(confs: np.ndarray) -> None:
    """Each is a number between 0 and 1, so NaN is refused too."""
    possible = (confs >= 0) & (confs <= 1)
    if not possible.all():
        raise CourseError("Detections: a confidence is not between 0 and 1")
