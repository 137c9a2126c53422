"""Writes an H.264 MP4 that plays in a browser, with the ffmpeg that imageio-ffmpeg brings.

The file takes its final name when it is whole. No sound, one size for all frames.
"""
import numpy as np

from ..errors import CourseError, need
from ..files import whole_file


class VideoWriter:
    """A context manager; `write` takes BGR frames. The file opens with the first frame and takes its size."""

    def __init__(self, path, fps):
        self.path, self.fps, self.frames = path, fps, 0
        self._ffmpeg = need("imageio_ffmpeg")
        self._pipe = None
        self._whole = None
        self._size = None

    def write(self, frame):
        if self._pipe is None:
            self._open(frame)
        if frame.shape[:2] != self._size:
            raise CourseError("{}: frame {} has size {} x {}; the video began with {} x {}".format(
                self.path, self.frames + 1, frame.shape[1], frame.shape[0], self._size[1], self._size[0]))
        try:
            self._pipe.send(np.ascontiguousarray(self._even(frame)))
        except OSError as err:
            raise CourseError("{} cannot be written: {}. Is the disk full?".format(self.path, err)) from None
        self.frames += 1

    def _open(self, frame):
        self._size = frame.shape[:2]
        self._whole = whole_file(self.path)
        temporary = self._whole.__enter__()
        even = self._even(frame)
        self._pipe = self._ffmpeg.write_frames(
            str(temporary), (even.shape[1], even.shape[0]), fps=self.fps, pix_fmt_in="bgr24", codec="libx264",
            macro_block_size=1, output_params=["-movflags", "+faststart"])
        self._pipe.send(None)

    @staticmethod
    def _even(frame):
        """H.264 in yuv420p wants even sides: an odd one is extended by its last row or column."""
        h, w = frame.shape[:2]
        if h % 2 or w % 2:
            frame = np.pad(frame, ((0, h % 2), (0, w % 2), (0, 0)), mode="edge")
        return frame

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self._pipe is not None:
            self._pipe.close()
            self._whole.__exit__(kind, value, trace)
