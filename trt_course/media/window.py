"""A window for pictures: q or ESC quits, f toggles full screen, h the help line. Where there is no display it says so.

OpenCV's own window, for the main thread only; what is in the pictures is not its business.
"""

import contextlib
import subprocess
import sys

import cv2

HELP = "q or ESC: quit   f: full screen   h: this line"
# Where no screen answers, Qt ends the whole process: one that may be lost tries it.
_PROBE = "import cv2; cv2.namedWindow('trt_course', cv2.WINDOW_NORMAL); cv2.waitKey(1)"


class Window(contextlib.AbstractContextManager):
    """A context manager. `show` is False when the reader asked to quit; without a display it is always True."""

    def __init__(self, title):
        self.title, self.help, self.full, self._opened = title, True, False, False
        self.there = not subprocess.call(
            [sys.executable, "-c", _PROBE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if not self.there:
            print(
                "No window: there is no display that answers, or this OpenCV was built without windows "
                "(opencv-python-headless). Going on without; over ssh, ssh -X brings a display.",
                file=sys.stderr,
            )

    def show(self, image):
        if not self.there:
            return True
        if not self._opened:
            cv2.namedWindow(self.title, cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL)
            scale, self._opened = min(1.0, 960 / image.shape[1]), True
            cv2.resizeWindow(self.title, int(image.shape[1] * scale), int(image.shape[0] * scale))
        cv2.imshow(self.title, _with_help(image) if self.help else image)
        try:
            return (
                self._obey(cv2.waitKey(1) & 0xFF)
                and cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1
            )
        except cv2.error:  # Qt, when the reader has closed the window
            return False

    def _obey(self, key):
        if key == ord("f"):
            self.full = not self.full
            cv2.setWindowProperty(
                self.title,
                cv2.WND_PROP_FULLSCREEN,
                cv2.WINDOW_FULLSCREEN if self.full else cv2.WINDOW_NORMAL,
            )
        self.help ^= key == ord("h")
        return key not in (ord("q"), 27)

    def __exit__(self, *_):
        if self._opened:
            with contextlib.suppress(cv2.error):  # the reader may have closed it
                cv2.destroyWindow(self.title)
                cv2.waitKey(1)


def _with_help(image):
    canvas, bottom = image.copy(), image.shape[0]
    canvas[bottom - 26 :] //= 4
    cv2.putText(
        canvas,
        HELP,
        (8, bottom - 8),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.5,
        (255, 255, 255),
        1,
        cv2.LINE_AA,
    )
    return canvas
