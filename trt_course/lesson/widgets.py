"""A camera or a video with its boxes inside a notebook: start, stop, model, classes, confidence.

A thread of its own looks through a camera of media/async_camera.py, so cells stay free. One view runs at a time.
"""

import atexit
import threading
import time
import weakref

from ..camera import MODES
from ..draw import BBoxVisualization
from ..media import sources
from ..model.find import find_model, list_models
from ..ssd import TrtSSD
from ..support.errors import CourseError, need
from .show import jpeg

MOST_A_SECOND, WIDEST, PATIENCE = 15, 960, 20.0
_views = weakref.WeakSet()


@atexit.register
def stop_all():
    for view in list(_views):
        view.stop()


class CameraView:
    """`CameraView("data/street.mp4")` as a cell's last line shows it. `source` is whatever open_source takes.

    A picture goes out only when the browser has answered the one before; with no answer for 20 s the view stops.
    """

    def __init__(self, source, models=None, mode="async", every=3, conf=0.3):
        stop_all()  # this cell, run before, may still hold the camera
        _views.add(self)
        w = need("ipywidgets")
        self.source, self.mode, self.every = str(source), mode, every
        self._halt, self._camera, self._thread = threading.Event(), None, threading.Thread()
        self.picture, self.line = w.Image(format="jpeg"), w.Label("stopped")
        self.model = w.Dropdown(
            options=[str(m) for m in models or list_models()], description="Model"
        )
        self.classes = w.SelectMultiple(description="Only", rows=4)
        self.conf = w.FloatSlider(conf, min=0.05, max=0.95, step=0.05, description="Confidence")
        self.buttons = [
            w.Button(description="Start", icon="play"),
            w.Button(description="Stop", icon="stop"),
        ]
        self.buttons[0].on_click(lambda _: self.start())
        self.buttons[1].on_click(lambda _: self.stop())
        self.model.observe(self._choose, "value")
        # The browser copies `sent` to `seen` when it has taken the picture before it: that is its answer.
        self._sent, self._seen = w.IntText(0), w.IntText(0)
        self._link = w.jsdlink((self._sent, "value"), (self._seen, "value"))
        self.box = w.VBox(
            [
                w.HBox(self.buttons + [self.model]),
                w.HBox([self.conf, self.classes]),
                self.picture,
                self.line,
            ]
        )
        self._choose()

    def _ipython_display_(self):
        need("IPython.display").display(self.box)

    def _choose(self, *_):
        spec = find_model(self.model.value)
        self.classes.options = [(spec.labels[i], i) for i in spec.class_ids()]
        if self._thread.is_alive():
            self.start()

    def start(self):
        stop_all()
        self._halt, self._seen.value = threading.Event(), self._sent.value
        self._thread = threading.Thread(
            target=self._run, args=(self._halt,), name="view", daemon=True
        )
        self._thread.start()
        return self

    def stop(self):
        self._halt.set()
        if self._camera is not None:
            self._camera.close()  # wakes a view that waits for a frame
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self, halt):
        try:
            self.line.value = "opening " + self.source
            spec = find_model(self.model.value)
            source = sources.open_source(self.source, loop=True)
            with MODES[self.mode](
                source, lambda: TrtSSD(spec, verbose=False).warm_up(), self.every
            ) as camera:
                self._camera = camera
                self.line.value = self._look(halt, camera, BBoxVisualization(spec.cls_dict()))
        except Exception as err:  # a thread has nobody else to tell
            self.line.value = str(err) if isinstance(err, CourseError) else repr(err)

    def _look(self, halt, camera, vis):
        """Until it is halted; what to say then."""
        due = answered = time.monotonic()
        for view in iter(lambda: None if halt.is_set() else camera.read(), None):
            camera.conf_th, now = self.conf.value, time.monotonic()
            if self._seen.value == self._sent.value:
                answered = now
                if now >= due:
                    due = max(due + 1 / MOST_A_SECOND, now)
                    self._push(view, vis)
            elif now - answered > PATIENCE:
                return f"stopped: the browser has not answered for {PATIENCE:.0f} s"
            self.line.value = camera.news(view) or self.line.value
        return "stopped"

    def _push(self, view, vis):
        canvas, found = view.frame.image, view.found
        if found is not None:
            canvas = vis.annotate(
                canvas, found.of_class(*self.classes.value) if self.classes.value else found
            )
        self.picture.value = jpeg(canvas, WIDEST, quality=80)
        self._sent.value += 1
