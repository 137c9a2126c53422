"""Pictures, videos and tables on a notebook's page, and saved results where a cell lacks its GPU.

It shows; it draws no boxes and measures nothing. What comes from files, models or cameras goes to
the page as escaped HTML, never as Markdown: a page does what Markdown says, scripts included.
"""

import base64
import html
from pathlib import Path
from typing import Any, Callable, Iterable, Sequence, TypeVar, Union

import cv2
import numpy as np

from ..engine.cuda import open_cuda
from ..engine.plan import load_tensorrt
from ..support.errors import CourseError, need
from ..support.files import KIT
from ..support.words import printable

WIDEST = 1280  # pixels of a picture on the page
MOST_MIB = 24  # of a video on the page

_PICTURE = "<img style='max-width:100%' src='data:image/jpeg;base64,{data}'>"
_VIDEO = (
    "<video controls muted loop width={width} style='max-width:100%' "
    "src='data:video/mp4;base64,{data}'></video>"
)
_CODECS = (b"avc1", b"vp09", b"av01")  # what a browser plays

_Result = TypeVar("_Result")


def _display(kind: str, text: str) -> None:
    """Put a text on the page as what it is: HTML or Markdown."""
    page = need("IPython.display")
    page.display(getattr(page, kind)(text))


def plain(text: Any) -> str:
    """HTML of an element that shows a text as it is: no tags, no links, no formulas.

    >>> plain("<b> costs $5")
    '&lt;b&gt; costs <span>$</span>5'
    """
    escaped = html.escape(printable(text), quote=False)
    # The page looks for formulas in HTML as well, and a formula can hold a link that is a script.
    # Their marks count where they stand in a text, not where they are elements of their own.
    for mark in "\\$":
        escaped = escaped.replace(mark, f"<span>{mark}</span>")
    return escaped


def _figure(content: str, caption: str) -> str:
    """HTML of something with a caption below it."""
    below = f"<figcaption>{plain(caption)}</figcaption>"
    return f"<figure style='margin:0'>{content}{below}</figure>"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def jpeg(image: np.ndarray, widest: int = WIDEST, quality: int = 92) -> bytes:
    """The bytes of a picture, made smaller where it is wider than that."""
    scale = min(1.0, widest / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def show_picture(image: np.ndarray, caption: str = "") -> None:
    """A picture, uint8 BGR, as wide as the page allows."""
    side_by_side([image], [caption], columns=1)


def side_by_side(images: Sequence[np.ndarray], captions: Sequence[str], columns: int = 2) -> None:
    """Pictures, uint8 BGR, in columns, each with a caption."""
    figures = []
    for image, caption in zip(images, captions):
        picture = _PICTURE.format(data=_base64(jpeg(image)))
        figures.append(_figure(picture, caption))
    style = f"display:grid;grid-template-columns:repeat({columns},1fr);gap:8px"
    _display("HTML", f"<div style='{style}'>{''.join(figures)}</div>")


def show_video(path: Union[str, Path], caption: str = "", width: int = 800) -> None:
    """An H.264 MP4, put into the page itself: it also plays where the file is not at hand."""
    try:
        data = Path(str(path)).read_bytes()
    except OSError as err:
        raise CourseError(f"{path} cannot be shown: {err.strerror or err}.") from err
    if not any(codec in data for codec in _CODECS):
        raise CourseError(
            f"{path} does not play in a browser, which wants H.264 in an .mp4 file. Make one with "
            "transcode of trt_course.media.transcode."
        )
    if len(data) > MOST_MIB << 20:
        raise CourseError(
            f"{path} has {len(data) >> 20} MiB, a page takes {MOST_MIB}. Write fewer frames."
        )
    video = _VIDEO.format(width=width, data=_base64(data))
    _display("HTML", _figure(video, caption))


def show_table(rows: Iterable[Sequence[Any]], head: Sequence[Any]) -> None:
    """Rows of cells under a head, as a table; a cell shows what str() says, and nothing else."""
    first = _table_row("th", head)
    others = "".join(_table_row("td", cells) for cells in rows)
    _display("HTML", f"<table><thead>{first}</thead><tbody>{others}</tbody></table>")


def _table_row(tag: str, cells: Sequence[Any]) -> str:
    texts = [f"<{tag} style='text-align:left'>{plain(cell)}</{tag}>" for cell in cells]
    return f"<tr>{''.join(texts)}</tr>"


def on_gpu(cell: Callable[[], _Result], saved: str) -> Any:
    """What `cell()` gives, where there is a GPU with TensorRT.

    Elsewhere, and where the GPU lacks something, the part of docs/measured.md that is marked
    `saved` is shown instead, and what is missing.
    """
    try:
        open_cuda()
        load_tensorrt()
        return cell()
    except CourseError as err:
        why = str(err)

    page = (KIT / "docs/measured.md").read_text(encoding="utf-8")
    _, _, after = page.partition(f"<!-- saved: {saved} -->")
    part, _, _ = after.partition("<!-- end -->")
    _display("HTML", f"<p><b>Not run here.</b> {plain(why)}</p>")
    _display("Markdown", f"**Saved result** (docs/measured.md):\n{part}")
    return None
