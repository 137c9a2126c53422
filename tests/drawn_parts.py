"""Whether a picture or frame that was compressed shows the boxes that it should, and no others."""

import numpy as np

from trt_course import BBoxVisualization


def shows(written, image, found, names):
    """Whether what was written is the image with these boxes, as far as compression allows.

    That spoils an eighth of the drawn pixels. A box that is missing, moved by a pixel or of another
    class, and a box too much, are wrong in half as many pixels as are drawn, or more.
    """
    wanted = BBoxVisualization(names).annotate(image, found)
    assert written.shape == wanted.shape
    drawn = (wanted != image).any(axis=2)
    wrong = (np.abs(written.astype(int) - wanted) > 100).any(axis=2)
    return bool(wrong.sum() <= 0.25 * drawn.sum())
