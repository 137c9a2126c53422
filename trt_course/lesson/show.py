"""Pictures, videos and tables on a notebook's page, and what a cell shows that needs a GPU where there is none.

It shows; it draws no boxes and measures nothing.
"""

import base64
import html
from pathlib import Path

import cv2

from ..engine.cuda import open_cuda
from ..engine.plan import load_tensorrt
from ..support.errors import CourseError, need
from ..support.files import KIT

WIDEST, MOST_MIB = 1280, 24


def _display(kind, text):
    page = need("IPython.display")
    page.display(getattr(page, kind)(text))


def _figure(tag, data, caption):
    return f"<figure style='margin:0'>{tag.format(base64.b64encode(data).decode())}<figcaption>{html.escape(caption)}</figcaption></figure>"


def jpeg(image, widest=WIDEST, quality=92):
    """The bytes of a picture, made smaller where it is wider than that."""
    scale = min(1.0, widest / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def show_picture(image, caption=""):
    """A picture, uint8 BGR, as wide as the page allows."""
    side_by_side([image], [caption], 1)


def side_by_side(images, captions, columns=2):
    tag = "<img style='max-width:100%' src='data:image/jpeg;base64,{}'>"
    _display(
        "HTML",
        "<div style='display:grid;grid-template-columns:repeat({},1fr);gap:8px'>{}</div>".format(
            columns,
            "".join(_figure(tag, jpeg(image), caption) for image, caption in zip(images, captions)),
        ),
    )


def show_video(path, caption="", width=800):
    """An H.264 MP4, put into the page itself, so that it also plays where the file is not at hand."""
    data = Path(str(path)).read_bytes()
    if not any(codec in data for codec in (b"avc1", b"vp09", b"av01")):
        raise CourseError(
            f"{path} does not play in a browser, which wants H.264 in an .mp4 file. Make one: transcode of "
            "trt_course.media.transcode."
        )
    if len(data) > MOST_MIB << 20:
        raise CourseError(
            f"{path} has {len(data) >> 20} MiB, a page takes {MOST_MIB}. Write fewer frames."
        )
    tag = "<video controls muted loop width={} style='max-width:100%' src='data:video/mp4;base64,{{}}'></video>"
    _display("HTML", _figure(tag.format(width), data, caption))


def show_table(rows, head):
    lines = [head, [":--"] * len(head)] + list(rows)
    _display("Markdown", "\n".join("| {} |".format(" | ".join(map(str, line))) for line in lines))


def on_gpu(cell, saved):
    """What `cell()` gives where a GPU with TensorRT is; elsewhere shows the part of docs/measured.md marked `saved`."""
    try:
        open_cuda()
        load_tensorrt()
        return cell()
    except CourseError as err:
        why = err
    text = (KIT / "docs/measured.md").read_text(encoding="utf-8")
    part = text.partition(f"<!-- saved: {saved} -->")[2].partition("<!-- end -->")[0]
    return _display(
        "Markdown", f"**Not run here.** {why}\n\n**Saved result** (docs/measured.md):\n{part}"
    )
