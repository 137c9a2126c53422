"""Ground truth and detections of a picture, from rows as tests draw them."""

import numpy as np

from trt_course.measure import voc


def as_truth(rows):
    boxes = np.array([box for _, box, _ in rows], dtype=float).reshape(-1, 4)
    difficult = np.array([difficult for _, _, difficult in rows], dtype=bool)
    return voc.Truth([label for label, _, _ in rows], boxes, difficult)


def as_found(rows):
    boxes = np.array([box for _, _, box in rows], dtype=float).reshape(-1, 4)
    confs = np.array([conf for _, conf, _ in rows], dtype=float)
    return voc.Found([label for label, _, _ in rows], confs, boxes)
