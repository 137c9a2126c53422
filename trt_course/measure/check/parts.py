"""What a check of a record is made of: what it notices, and looks at pictures with several records.

A look is a run of the network on one view of one picture. What a record says of the output can be
changed without a new run; only another recipe for the input needs one.
"""

from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from ...detections import Detections
from ...model.decode import Decoder
from ...model.oddities import Oddities
from ...model.placement import Placement
from ...model.preprocess import Preprocessor
from ...model.spec import ModelSpec
from ...ssd import TrtSSD

Outputs = Dict[str, np.ndarray]  # a network's tensors, by their names


class Finding(NamedTuple):
    """Something that a person would notice, and which words of the record it speaks against."""

    kind: str  # one word: units, order, flood ...
    fields: Tuple[str, ...]  # of the record, the likeliest first; none if it may be the pictures
    sentence: str


class View(NamedTuple):
    """A way to show a picture, and the way back for boxes (n, 4) that are found in it.

    `back` takes the picture's width and height, too.
    """

    name: str
    show: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray, int, int], np.ndarray]


def _as_it_is(image: np.ndarray) -> np.ndarray:
    return image


def _stay(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    return boxes


def _mirrored(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def _mirror_back(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x2, y1, width - x1, y2], axis=1)


_SMALLER = 0.8  # of the picture's sides
_LEFT = 0.15  # where the smaller picture begins, in parts of the canvas
_TOP = 0.1


def _smaller(image: np.ndarray) -> np.ndarray:
    """The picture made smaller, on a canvas of its own size and mean colour."""
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (round(width * _SMALLER), round(height * _SMALLER)), interpolation=cv2.INTER_AREA
    )
    canvas = np.empty_like(image)
    canvas[:] = image.reshape(-1, 3).mean(axis=0)
    x = round(width * _LEFT)
    y = round(height * _TOP)
    canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return canvas


def _smaller_back(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    x = round(width * _LEFT)
    y = round(height * _TOP)
    return (boxes - [x, y, x, y]) / _SMALLER


PLAIN = View("plain", _as_it_is, _stay)
MIRRORED = View("mirrored", _mirrored, _mirror_back)
SMALLER = View("smaller", _smaller, _smaller_back)


class _Look(NamedTuple):
    """What the network gave for a view of a picture, and where the picture lay in its input."""

    outputs: Outputs
    placed: Placement


class Looks:
    """A network's looks at some pictures, by way of any record that it can run with.

    The last few are kept, for a record with another word for the output needs no other look.
    """

    def __init__(self, ssd: TrtSSD, pictures: Sequence[np.ndarray], most: int = 64) -> None:
        self.ssd = ssd
        self.pictures = pictures
        self._most = most
        self._kept: Dict[object, _Look] = {}

    def outputs(self, spec: ModelSpec, picture: int, view: View = PLAIN) -> Outputs:
        """What the network gives for a view of a picture."""
        return self._look(spec, picture, view).outputs

    def found(
        self, spec: ModelSpec, picture: int, view: View = PLAIN
    ) -> Tuple[Detections, Oddities]:
        """What a record finds in a view of a picture, and what is odd in that."""
        look = self._look(spec, picture, view)
        decoder = Decoder(spec)
        (found,) = decoder.decode(look.outputs, [look.placed], spec.conf_threshold)
        return found, decoder.oddities

    def boxes_home(self, found: Detections, picture: int, view: View) -> np.ndarray:
        """The boxes (n, 4) of a view where they belong in the picture itself."""
        height, width = self.pictures[picture].shape[:2]
        return view.back(found.boxes.astype(float), width, height)

    def table(self, spec: ModelSpec, role: str, picture: int) -> np.ndarray:
        """The numbers (places, columns) of a role, as the network gives them."""
        outputs = self.outputs(spec, picture)
        readings = Decoder(spec).shapes.require(outputs, -1, least=1)
        return readings.of(role, outputs, 0)

    def _look(self, spec: ModelSpec, picture: int, view: View) -> _Look:
        key = (spec.input, picture, view.name)
        if key not in self._kept:
            if len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._run(spec, picture, view)
        return self._kept[key]

    def _run(self, spec: ModelSpec, picture: int, view: View) -> _Look:
        request = self.ssd.new_request()
        tensor = request.inputs[spec.input.name]
        placed = Preprocessor(spec)(view.show(self.pictures[picture]), tensor[0])
        return _Look(self.ssd.engine.infer(request), placed)


def several(numbers: Sequence[int], most: int) -> List[int]:
    """At most so many of them, evenly spread.

    >>> several(range(10), most=3)
    [0, 4, 9]
    """
    if len(numbers) <= most:
        return list(numbers)
    chosen = np.linspace(0, len(numbers) - 1, most).astype(int)
    return [numbers[i] for i in chosen]
