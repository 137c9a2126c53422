"""A button inside a notebook that takes a picture from the reader's own computer."""

from typing import Any, Callable, List, Tuple

import numpy as np

from ..media.pictures import decode_picture
from ..support.errors import CourseError, need

Look = Callable[[np.ndarray, str], None]


class PictureUpload:
    """`PictureUpload(look)` as a cell's last line shows the button.

    `look` gets each picture that is chosen, (h, w, 3) in BGR, and its name. What it prints or shows
    appears beneath the button, in place of what was there before.
    """

    def __init__(self, look: Look) -> None:
        widgets = need("ipywidgets")
        self._look = look

        # What the reader sees.
        self.button = widgets.FileUpload(accept="image/*", description="Your picture")
        self.below = widgets.Output()
        self.box = widgets.VBox([self.button, self.below])

        self.button.observe(self._on_value, "value")

    def _ipython_display_(self) -> None:
        need("IPython.display").display(self.box)

    def _on_value(self, change: Any) -> None:
        self.below.clear_output(wait=True)
        with self.below:
            for name, data in files_of(self.button.value):
                try:
                    self._look(decode_picture(data, name), name)
                except CourseError as err:
                    print(err)


def files_of(value: Any) -> List[Tuple[str, bytes]]:
    """Names and contents of what a FileUpload holds, as ipywidgets 8 or 7 has them."""
    if isinstance(value, dict):  # ipywidgets 7, on a Jetson Nano
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]
