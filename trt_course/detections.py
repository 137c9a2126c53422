"""Detections: the boxes, confidences and class ids of one image, as one checked value that nobody can change.

Boxes are floats in pixels of the source image, x1 y1 x2 y2; they become integers only where they are drawn.
"""

import shlex

import numpy as np

from .support.errors import CourseError, need


class Detections:
    """Parallel arrays: boxes (n, 4) float32, confs (n,) float32, clss (n,) int64. Unpacks as boxes, confs, clss.

    `len` is the number of boxes. `dropped` counts rows that the decoder left out because they were not numbers.
    """

    __slots__ = ("boxes", "confs", "clss", "dropped")

    def __init__(self, boxes=(), confs=(), clss=(), dropped=0):
        boxes = np.array(boxes, dtype=np.float32)
        boxes = boxes if boxes.size else boxes.reshape(-1, 4)
        rows = boxes.shape[:1]
        columns = (
            ("boxes", boxes, np.float32, rows + (4,)),
            ("confs", confs, np.float32, rows),
            ("clss", clss, np.int64, rows),
        )
        for name, values, dtype, shape in columns:
            array = np.array(values, dtype=dtype)
            if array.shape != shape:
                raise CourseError(
                    f"Detections: {name} has shape {array.shape}; wanted: {shape}, boxes being (n, 4), x1 y1 x2 y2"
                )
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "dropped", int(dropped))
        if not np.isfinite(boxes).all() or (boxes[:, 2:] < boxes[:, :2]).any():
            raise CourseError("Detections: a box is not finite, or has x2 < x1 or y2 < y1")
        if not ((self.confs >= 0) & (self.confs <= 1)).all():
            raise CourseError("Detections: a confidence is not between 0 and 1")

    @classmethod
    def trusted(cls, boxes, confs, clss, dropped):
        """Of read-only arrays that the decoder has checked."""
        made = cls.__new__(cls)
        for name, value in zip(cls.__slots__, (boxes, confs, clss, dropped)):
            object.__setattr__(made, name, value)
        return made

    def __setattr__(self, name, value):
        raise AttributeError(
            "Detections do not change; make new ones, for instance with keep() or above()"
        )

    def __reduce__(self):
        return Detections, (self.boxes, self.confs, self.clss, self.dropped)

    def __iter__(self):
        return iter((self.boxes, self.confs, self.clss))

    def __len__(self):
        return len(self.boxes)

    def __eq__(self, other):
        return isinstance(other, Detections) and all(
            np.array_equal(a, b) for a, b in zip(self, other)
        )

    __hash__ = None

    def __repr__(self):
        return f"Detections({len(self)} boxes)"

    def keep(self, index):
        """The detections that a boolean mask, a slice or a list of positions picks, in its order."""
        return Detections(self.boxes[index], self.confs[index], self.clss[index], self.dropped)

    def above(self, conf_th):
        return self.keep(self.confs >= np.float32(conf_th))

    def of_class(self, *classes):
        return self.keep(np.isin(self.clss, classes))

    def top(self, k):
        """The k most confident, most confident first; equal confidences keep their order."""
        return self.keep(np.argsort(-self.confs, kind="stable")[:k])

    def to_text(self, labels):
        """One row a box: `class confidence x1 y1 x2 y2`; a class name with blanks is quoted."""
        return "".join(
            "{} {:.9g} {:.3f} {:.3f} {:.3f} {:.3f}\n".format(shlex.quote(labels[c]), p, *b)
            for b, p, c in zip(self.boxes.tolist(), self.confs.tolist(), self.clss.tolist())
        )

    @classmethod
    def from_text(cls, text, labels):
        """Read what `to_text` writes. Scoring folders of such files is the business of measure/voc.py."""
        ids = {name: i for i, name in enumerate(labels)}
        rows = [shlex.split(line) for line in text.splitlines() if line.strip()]
        for number, row in enumerate(rows, 1):
            if len(row) != 6 or row[0] not in ids:
                raise CourseError(
                    "Row {} is {}; wanted: class confidence x1 y1 x2 y2, class one of {}".format(
                        number, " ".join(row), ", ".join(labels)
                    )
                )
        return cls(
            [row[2:] for row in rows], [row[1] for row in rows], [ids[row[0]] for row in rows]
        )

    def to_coco(self, image_id, category_ids):
        """COCO result records; `category_ids` maps a class id to the category id of the ground truth."""
        return [
            {
                "image_id": image_id,
                "category_id": category_ids[c],
                "score": p,
                "bbox": [b[0], b[1], b[2] - b[0], b[3] - b[1]],
            }
            for b, p, c in zip(self.boxes.tolist(), self.confs.tolist(), self.clss.tolist())
        ]

    @classmethod
    def from_coco(cls, results, class_ids):
        """From COCO result records of one image; `class_ids` maps a category id to a class id."""
        boxes = np.array([r["bbox"] for r in results], dtype=np.float64).reshape(-1, 4)  # x y w h
        boxes[:, 2:] += boxes[:, :2]
        return cls(
            boxes, [r["score"] for r in results], [class_ids[r["category_id"]] for r in results]
        )

    def to_supervision(self):
        """The same as a supervision.Detections, for its annotators and trackers."""
        return need("supervision").Detections(
            xyxy=self.boxes.copy(), confidence=self.confs.copy(), class_id=self.clss.copy()
        )

    @classmethod
    def from_supervision(cls, other):
        return cls(other.xyxy, other.confidence, other.class_id)
