"""A camera or a video with its boxes inside a notebook: start, stop, model, classes, confidence.

A thread of its own looks through one of the cameras of trt_course.camera, so cells stay free. One
view runs at a time.
"""

import atexit
import threading
import time
import weakref
from pathlib import Path
from typing import Any, Optional, Sequence, Union

from ..camera import MODES, Camera, View
from ..draw import BBoxVisualization
from ..media import sources
from ..model.find import find_model, list_models
from ..ssd import TrtSSD
from ..support.errors import CourseError, need
from ..support.words import without_secrets
from .show import jpeg, plain

MOST_A_SECOND = 15  # pictures sent to the browser
WIDEST = 960  # pixels of a picture
PATIENCE = 20.0  # seconds without an answer of the browser

_views: "weakref.WeakSet[CameraView]" = weakref.WeakSet()


@atexit.register
def stop_all() -> None:
    """Stop all views, so that the camera is free."""
    for view in list(_views):
        view.stop()


class CameraView:
    """`CameraView("data/street.mp4")` as a cell's last line shows it.

    `source` is whatever open_source takes, `mode` and `every` are the camera's (trt_course.camera).
    A picture goes out only when the browser has answered the one before; without an answer for
    20 s the view stops.
    """

    def __init__(
        self,
        source: Union[str, Path],
        models: Optional[Sequence[Union[str, Path]]] = None,
        mode: str = "async",
        every: int = 3,
        conf: float = 0.3,
    ) -> None:
        stop_all()  # this cell, run before, may still hold the camera
        _views.add(self)
        widgets = need("ipywidgets")

        # What is shown, and through which arrangement of camera and detector.
        self.source = str(source)
        self.mode = mode
        self.every = every

        # What runs: nothing yet.
        self._halt = threading.Event()
        self._camera: Optional[Camera] = None
        self._thread = threading.Thread()

        # What the reader sees.
        self.picture = widgets.Image(format="jpeg")
        self.line = widgets.HTML("stopped")  # a Label would look for formulas

        # What the reader chooses.
        names = [str(model) for model in models or list_models()]
        self.model = widgets.Dropdown(options=names, description="Model")
        self.classes = widgets.SelectMultiple(description="Only", rows=4)
        self.conf = widgets.FloatSlider(
            conf, min=0.05, max=0.95, step=0.05, description="Confidence"
        )
        self.buttons = [
            widgets.Button(description="Start", icon="play"),
            widgets.Button(description="Stop", icon="stop"),
        ]

        # The browser copies `sent` to `seen` when it has taken the picture before it: its answer.
        self._sent = widgets.IntText(0)
        self._seen = widgets.IntText(0)
        self._link = widgets.jsdlink((self._sent, "value"), (self._seen, "value"))

        # All of it on the page.
        first_row = widgets.HBox(self.buttons + [self.model])
        second_row = widgets.HBox([self.conf, self.classes])
        self.box = widgets.VBox([first_row, second_row, self.picture, self.line])

        start, stop = self.buttons
        start.on_click(self._on_start)
        stop.on_click(self._on_stop)
        self.model.observe(self._on_model, "value")
        self._list_classes()

    def _ipython_display_(self) -> None:
        need("IPython.display").display(self.box)

    def _on_start(self, button: Any) -> None:
        self.start()

    def _on_stop(self, button: Any) -> None:
        self.stop()

    def _on_model(self, change: Any) -> None:
        self._list_classes()
        if self._thread.is_alive():
            self.start()

    def _list_classes(self) -> None:
        """Offer the classes of the chosen model."""
        spec = find_model(self.model.value)
        self.classes.options = [(spec.labels[number], number) for number in spec.class_ids()]

    def start(self) -> "CameraView":
        """Stop what runs and begin anew, in a thread; the view itself."""
        stop_all()
        self._halt = threading.Event()
        self._seen.value = self._sent.value
        self._thread = threading.Thread(
            target=self._run, args=(self._halt,), name="view", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread and free the camera; nothing happens where nothing runs."""
        self._halt.set()
        if self._camera is not None:
            self._camera.close()  # wakes a view that waits for a frame
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self, halt: threading.Event) -> None:
        """What the thread does, to the end; what goes wrong stands in the line."""
        try:
            self._say("opening " + self.source)
            self._say(self._look_through_camera(halt))
        except CourseError as err:
            self._say(str(err))
        except Exception as err:  # a thread has nobody else to tell
            self._say(repr(err))

    def _say(self, text: str) -> None:
        """Put a text into the line, as it is."""
        self.line.value = plain(without_secrets(text))

    def _look_through_camera(self, halt: threading.Event) -> str:
        """Open source and detector, and show what they give; why it ended."""
        spec = find_model(self.model.value)

        def make_detector() -> TrtSSD:
            return TrtSSD(spec, verbose=False).warm_up()

        source = sources.open_source(self.source, loop=True)
        with MODES[self.mode](source, make_detector, self.every) as camera:
            self._camera = camera
            return self._look(halt, camera, BBoxVisualization(spec.cls_dict()))

    def _look(self, halt: threading.Event, camera: Camera, drawer: BBoxVisualization) -> str:
        """Send pictures until the view is halted, the source ends or the browser is gone; why."""
        due = time.monotonic()  # when the next picture may go out
        answered = due  # when the browser was last seen
        while not halt.is_set():
            view = camera.read()
            if view is None:
                break
            camera.conf_th = self.conf.value

            now = time.monotonic()
            if self._seen.value == self._sent.value:
                answered = now
                if now >= due:
                    due = max(due + 1 / MOST_A_SECOND, now)
                    self._push(view, drawer)
            elif now - answered > PATIENCE:
                return f"stopped: the browser has not answered for {PATIENCE:.0f} s"

            news = camera.news(view)
            if news:
                self._say(news)
        return "stopped"

    def _push(self, view: View, drawer: BBoxVisualization) -> None:
        """Send a picture with the boxes of the chosen classes; of all where none is chosen."""
        picture = view.frame.image
        found = view.found
        if found is not None and self.classes.value:
            found = found.of_class(*self.classes.value)
        if found is not None:
            picture = drawer.annotate(picture, found)
        self.picture.value = jpeg(picture, WIDEST, quality=80)
        self._sent.value += 1
