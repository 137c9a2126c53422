"""A window for pictures: q or ESC quits, f toggles full screen, h the help line.

OpenCV's own window, for the main thread only. Where there is no display it says so. What is in the
pictures is not its business.
"""

import contextlib
import subprocess
import sys

import cv2
import numpy as np

HELP = "q or ESC: quit   f: full screen   h: this line"
_ESCAPE = 27
_WIDEST = 960  # pixels of the window when it opens

# Where no screen answers, Qt ends the whole process: one that may be lost tries it.
_PROBE = "import cv2; cv2.namedWindow('trt_course', cv2.WINDOW_NORMAL); cv2.waitKey(1)"


class Window:
    """A context manager that opens with the first picture shown.

    `there` is False where there is no display; then `show` does nothing and asks to go on.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.there = _is_display_there()

        # what the keys change
        self.help = True
        self.full = False

        self._opened = False
        if not self.there:
            print(
                "No window: there is no display that answers, or this OpenCV was built without "
                "windows (opencv-python-headless). Going on without; over ssh, ssh -X brings a "
                "display.",
                file=sys.stderr,
            )

    def show(self, image: np.ndarray) -> bool:
        """Show a picture and look at the keys; False when the reader asks to quit."""
        if not self.there:
            return True
        if not self._opened:
            self._open(image)

        shown = image
        if self.help:
            shown = _with_help(image)
        cv2.imshow(self.title, shown)
        try:
            key = cv2.waitKey(1) & 0xFF
            return self._obey(key) and self._is_visible()
        except cv2.error:  # Qt, when the reader has closed the window
            return False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened:
            with contextlib.suppress(cv2.error):  # the reader may have closed it
                cv2.destroyWindow(self.title)
                cv2.waitKey(1)

    def _open(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        scale = min(1.0, _WIDEST / width)
        cv2.namedWindow(self.title, cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(self.title, int(width * scale), int(height * scale))
        self._opened = True

    def _obey(self, key: int) -> bool:
        """Do what a key asks for; False for quitting."""
        if key == ord("f"):
            self._toggle_full_screen()
        elif key == ord("h"):
            self.help = not self.help
        return key not in (ord("q"), _ESCAPE)

    def _toggle_full_screen(self) -> None:
        self.full = not self.full
        state = cv2.WINDOW_NORMAL
        if self.full:
            state = cv2.WINDOW_FULLSCREEN
        cv2.setWindowProperty(self.title, cv2.WND_PROP_FULLSCREEN, state)

    def _is_visible(self) -> bool:
        return cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1


def _is_display_there() -> bool:
    status = subprocess.call(
        [sys.executable, "-c", _PROBE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return status == 0


def _with_help(image: np.ndarray) -> np.ndarray:
    """A copy of the picture with the help line at its lower edge."""
    canvas = image.copy()
    bottom = image.shape[0]
    canvas[bottom - 26 :] //= 4
    cv2.putText(
        canvas,
        HELP,
        (8, bottom - 8),
        cv2.FONT_HERSHEY_SIMPLEX,
        fontScale=0.5,
        color=(255, 255, 255),
        thickness=1,
        lineType=cv2.LINE_AA,
    )
    return canvas
