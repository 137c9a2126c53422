"""How the numbers of a role lie in a tensor, and how those of a picture become (places, columns).

Networks write the same numbers in many ways: a row for each place or a column, a map for each
scale, with an axis for the pictures or without. Which of them it is shows in the tensor's shape.
"""

from typing import Callable, Dict, List, NamedTuple, Tuple, Union

import numpy as np

from .output_spec import Part

Shape = Tuple[int, ...]  # of a tensor; -1 where it is not known


class Wide(NamedTuple):
    """The length of an axis that holds the columns of several roles."""

    least: int

    def __str__(self) -> str:
        return f"{self.least} or more"


class Cells(NamedTuple):
    """The length of an axis of a map: the columns of each of a cell's places, one after another."""

    columns: int

    def __str__(self) -> str:
        return f"a multiple of {self.columns}"


Axis = Union[int, str, Wide, Cells]  # axes of one name are equally long

ANY = "any"  # axes of this name may have different lengths

# Axes along which places lie
_PLACES = ("places", "rows", "priors", "height", "width", "lines", ANY)

Read = Callable[[np.ndarray, int, int], np.ndarray]  # tensor, picture, columns -> (places, columns)


class Arrangement(NamedTuple):
    """One way in which a role's numbers may lie in a tensor."""

    axes: Tuple[Axis, ...]
    read: Read
    alone: bool = False  # whether the tensor can only hold one picture
    values: str = ""  # the axis of the columns, first or last; "" where there is none

    def is_map(self) -> bool:
        """Whether places lie in rows and columns of cells."""
        return any(isinstance(axis, Cells) for axis in self.axes)

    def places(self, shape: Shape) -> int:
        """How many places a picture has in a tensor of this shape; -1 if that is not known."""
        count = -1
        for axis, length in zip(self.axes, shape):
            if isinstance(axis, Cells):
                length = max(-1, length // axis.columns)
            elif axis not in _PLACES:
                continue
            if length == -1:
                return -1
            count = length if count == -1 else count * length
        return count


def _rows(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor[picture]


def _rows_of_one(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor


def _rows_below_one(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor[picture, 0]


def _rows_of_all(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor.reshape(-1, tensor.shape[-1])


def _turned(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor[picture].T


def _numbers(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor[picture].reshape(-1, 1)


def _numbers_of_one(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor.reshape(-1, 1)


def each_picture(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    """(1, 1): the one number of a picture."""
    return tensor.reshape(-1, 1)[picture : picture + 1]


def _map(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    """(k x columns, rows, cells) -> a row for each of the k places of each cell."""
    planes = tensor[picture]
    cells = planes.shape[1] * planes.shape[2]
    by_place = planes.reshape(-1, columns, cells)  # (k, columns, cells)
    return by_place.transpose(2, 0, 1).reshape(-1, columns)


def _map_columns_last(tensor: np.ndarray, picture: int, columns: int) -> np.ndarray:
    return tensor[picture].reshape(-1, columns)


def tables(part: Part, columns: int) -> List[Arrangement]:
    """The ways in which the rows of all pictures may lie that tell themselves whose they are."""
    width = _width(part, columns)
    return [
        Arrangement(("lines", width), _rows_of_all),
        Arrangement((ANY, "lines", width), _rows_of_all),
        Arrangement((ANY, ANY, "lines", width), _rows_of_all),
    ]


def arrangements(part: Part, columns: int, name: Axis, place: str) -> List[Arrangement]:
    """The ways in which a role may lie in a tensor, the likeliest first.

    `columns` is how many the role has, `name` what an axis is called that holds nothing else, and
    `place` the axis of the places.
    """
    width = name if part.column is None else _width(part, columns)
    single = part.column is None and columns == 1  # and so the same with its columns first
    last = [
        Arrangement(("pictures", place, width), _rows, values="" if single else "last"),
        Arrangement(("pictures", 1, place, width), _rows_below_one, values="last"),
        Arrangement((place, width), _rows_of_one, alone=True, values="last"),
    ]
    first = [Arrangement(("pictures", width, place), _turned, values="" if single else "first")]
    if part.column is None:
        if single:
            last.append(Arrangement(("pictures", place), _numbers))
            last.append(Arrangement((place,), _numbers_of_one, alone=True))
        cells = Cells(columns)
        map_first = ("pictures", cells, "height", "width")
        map_last = ("pictures", "height", "width", cells)
        first.append(Arrangement(map_first, _map, values="first"))
        last.append(Arrangement(map_last, _map_columns_last, values="last"))

    # Where there may be more columns than the role's own, any axis could be theirs.
    if part.values == "last" or (part.values == "" and part.column is not None):
        return last
    if part.values == "first":
        return first
    # Maps are first with their columns first, as ONNX has them.
    return last[:-1] + first + last[-1:]


def _width(part: Part, columns: int) -> Axis:
    """The length of an axis with other columns than the role's own."""
    if part.width is not None:
        return part.width
    return Wide((part.column or 0) + columns)


class Reading(NamedTuple):
    """How a role's numbers are read from its tensors."""

    part: Part
    columns: int
    arrangements: List[Arrangement]  # one for each of its tensors


class Readings:
    """Reads the numbers of each role from a network's outputs."""

    def __init__(self, roles: Dict[str, Reading], whole_rows: bool = False) -> None:
        self.whole_rows = whole_rows  # whether a batch can be decoded as a whole
        self._roles = roles

    def tensors(self, outputs: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
        """The tensors by their roles, where each role has one of its own."""
        return {role: outputs[reading.part.tensor[0]] for role, reading in self._roles.items()}

    def of(self, role: str, outputs: Dict[str, np.ndarray], picture: int) -> np.ndarray:
        """A role's numbers for a picture of the batch, (places, columns), all scales together."""
        reading = self._roles[role]
        first = reading.part.column or 0
        own = slice(first, first + reading.columns)
        tables = [
            arrangement.read(outputs[name], picture, reading.columns)[:, own]
            for name, arrangement in zip(reading.part.tensor, reading.arrangements)
        ]
        if len(tables) == 1:
            return tables[0]
        return np.concatenate(tables)
