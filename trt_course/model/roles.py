"""The roles that a record gives to a network's outputs, and what the tensors of each may be."""

from typing import Dict, List, NamedTuple

from .output_spec import OutputSpec, Part
from .readings import Arrangement, Axis, arrangements, each_picture, tables

_FLOATS = "f"  # kinds of types by NumPy's letters
_NUMBERS = "fiu"
KINDS_IN_WORDS = {_FLOATS: "floating-point numbers", _NUMBERS: "numbers"}

# One number for each picture
_A_PICTURE = [Arrangement(("pictures",) + (1,) * ones, each_picture) for ones in range(4)]


class Role(NamedTuple):
    """What a role's tensors may be."""

    part: Part
    columns: int
    arrangements: List[Arrangement]
    kinds: str

    @property
    def end(self) -> int:
        """The first column that is not the role's any more."""
        return (self.part.column or 0) + self.columns

    def overlaps(self, other: "Role") -> bool:
        """Whether two roles that share a tensor want the same columns of it."""
        if self.part.column is None or other.part.column is None:
            return True
        return self.part.column < other.end and other.part.column < self.end


def roles_of(output: OutputSpec, labels: int) -> Dict[str, Role]:
    """The roles that the record names, with what their tensors may be."""
    columns = {"boxes": output.boxes.columns, "scores": labels}
    if output.classes is not None:
        columns["scores"] = 1
    kinds = {"boxes": _FLOATS, "scores": _FLOATS, "objectness": _FLOATS}
    roles = {}
    for name, part in output.parts():
        count = columns.get(name, 1)
        width: Axis = count
        if name == "scores" and output.classes is None:
            width = "classes"
        if name == "count":
            ways = _A_PICTURE
        elif output.picture is not None:
            ways = tables(part, count)
        else:
            ways = arrangements(part, count, name=width, place=output.place)
        roles[name] = Role(part, count, ways, kinds.get(name, _NUMBERS))
    return roles
