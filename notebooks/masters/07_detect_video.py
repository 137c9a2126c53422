# The master of lesson 07; tools/make_notebooks.py makes the notebooks from it.
# %% [markdown]
# # 07 Detect in a video
#
# **You will learn** how a video is read, detected in, written and shown in the page; why some videos do not play in a
# browser; where the time goes; and how to quote frames a second (FPS) without fooling yourself.
#
# **You need** [lesson 05](05_detect_image.ipynb). **Time**: 40 minutes. **Machine**: any; a GPU is used if there is
# one.
# %% [markdown]
# ## 1. A video is a row of pictures with times
# %%
from trt_course import open_source
from trt_course.lesson.show import show_table, show_video, side_by_side

CLIP = "data/street.mp4"
with open_source(CLIP) as video:
    print(video.size, "pixels,", video.fps, "FPS,", video.frames, "frames")
    chosen = [frame for frame in video if frame.number in (0, 150, 300)]
captions = [f"{frame.time:.1f} s" for frame in chosen]
side_by_side([frame.image for frame in chosen], captions, columns=3)
# %% [markdown]
# **You should see** three moments of a drive. `open_source` opens a file, a folder, a camera or a stream by one
# string: [Video and cameras](../docs/video.md).
#
# ## 2. The plain loop
#
# This is the loop of the original course: read, detect, draw, write, one after the other.
# %%
import itertools
import time
from pathlib import Path

import cv2

from trt_course import BBoxVisualization, TrtSSD

ssd = TrtSSD("ssd_resnet18_traffic")
vis = BBoxVisualization(ssd.spec.cls_dict())
out = Path("out/07")
out.mkdir(parents=True, exist_ok=True)


def plain_loop(path, codec, frames):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 30, (1280, 720))
    started = time.perf_counter()
    with open_source(CLIP) as video:
        for frame in itertools.islice(video, frames):
            found = ssd.detect(frame.image)
            writer.write(vis.annotate(frame.image, found))
    writer.release()  # without it the file's end is missing
    return frames / (time.perf_counter() - started)


fps = plain_loop(out / "loop.avi", "MJPG", 45)
print(f"{fps:.1f} FPS")
# %% [markdown]
# **You should see** some FPS: about 10 on two cores of a PC. The video is `out/07/loop.avi`, in the list of files on
# the left. **Before you run the next cell**: will the page play it? And an `.mp4` that OpenCV has written?
# %%
from trt_course import CourseError

plain_loop(out / "opencv.mp4", "mp4v", 5)
for name in ("loop.avi", "opencv.mp4"):
    try:
        show_video(out / name)
    except CourseError as err:
        print(err)
# %% [markdown]
# **You should see** twice that it does not play. What counts is the *codec* inside, not the ending of the name: a
# browser plays H.264, and OpenCV's own writer made Motion JPEG and MPEG-4 part 2. So the file is written anew,
# *transcoded*:
# %%
from trt_course.media.transcode import transcode

path = transcode(out / "loop.avi", out=out)
show_video(path, "The first one and a half seconds, transcoded to H.264")
# %% [markdown]
# **You should see** a video that plays when you press its button. It was encoded twice, and each time lost a little.
#
# ## 3. Written for the browser at once
#
# `detect_video` sends its pictures to an H.264 encoder in a process of its own. Reading and writing go on while the
# network works. `stride=3` takes every third frame.
# %%
from trt_course import detect_video

path = detect_video(ssd, CLIP, out=out, start=7, end=11, stride=3, save_json=True)
show_video(path, "Seconds 7 to 11, every third frame")
# %% [markdown]
# **You should see** a line with the frames and their FPS, and four seconds of video: a third of the frames, but each
# at its own time, so nobody drives faster.
#
# ## 4. Where does the time go?
#
# **Before you run it**: six stages make a frame. Which takes longest, which comes next? Is the network all that
# counts?
# %%
from trt_course.measure.fps import bench

timing = bench(ssd, CLIP, scope="video", frames=50, out=out / "bench.mp4")
stages = timing.stages
total = sum(stages.values())
rows = []
for name in sorted(stages, key=stages.get, reverse=True):
    share = stages[name] / total
    rows.append((name, f"{stages[name]:.1f}", f"{100 * share:.0f} %"))
show_table(rows, ["stage", "median ms", "share"])

network_alone = 1000 / stages["infer"]
print(f"{timing.fps:.1f} FPS from file to file, {network_alone:.1f} for the network alone")
# %% [markdown]
# **You should see** that on a CPU the network, `infer`, takes most. On a fast GPU it takes about one millisecond, and
# reading, drawing and writing are what you wait for. That is why they run at the same time in `detect_video`, and why
# "150 FPS" says nothing until you know of what. On two CPU cores the gain is small, for the network keeps both busy:
# the figures are in [Measured](../docs/measured.md).
#
# ## 5. What the boxes tell over time
#
# The JSON file beside the video has each box with its frame and time. The clip comes with its truth, so we can
# compare.
# %%
import json

from trt_course.support.files import kit_path

VEHICLE = ssd.spec.category_ids()[ssd.spec.labels.index("vehicle")]
rows = json.loads(path.with_suffix(".json").read_text())
truth = json.loads(kit_path("data/street.json").read_text())
frame_of = {image["id"]: image["frame"] for image in truth["images"]}
frames = sorted({row["frame"] for row in rows})

# the frame of each vehicle, found or there
found = [row["frame"] for row in rows if row["category_id"] == VEHICLE]
vehicles = [row for row in truth["annotations"] if row["category_id"] == VEHICLE]
there = [frame_of[row["image_id"]] for row in vehicles]
# %%
import matplotlib.pyplot as plt

seconds = [number / 30 for number in frames]
plt.figure(figsize=(9, 3))
plt.step(seconds, [there.count(number) for number in frames], label="there")
plt.step(seconds, [found.count(number) for number in frames], label="found, confidence 0.3 or more")
plt.xlabel("seconds")
plt.ylabel("vehicles")
plt.ylim(0)
plt.legend()
plt.show()
# %% [markdown]
# **You should see** two lines that stay close to each other. Where the found one is higher, the detector counts cars
# that the truth leaves out, because less than a quarter of them can be seen ([the sample data](../data/README.md)),
# or one that is not there. From frame to frame it flickers: the detector sees each frame for the first time, and
# remembers nothing.
#
# ## 6. Exercises
#
# **07.1** How many frames does `detect_video` take from a part of a video that is `seconds` long, at `fps`, with
# `stride`? The first frame is always taken.
# %%
import math

from trt_course.lesson.check import check, summary


def frames_taken(seconds, fps, stride):
    # solution, stub: return ...
    return math.ceil(round(seconds * fps) / stride)
    # wrong: rounded up
    return round(seconds * fps) // stride
    # wrong: every stride-th
    return round(seconds * fps)
    # end


check(
    "07.1",
    [frames_taken(4, 30, 1), frames_taken(4, 30, 7), frames_taken(2, 25, 10)],
    [120, 18, 5],
    hint=(
        "There are seconds * fps frames, of which every stride-th is taken, with the first: "
        "divided and rounded up."
    ),
)


# %% [markdown]
# **07.2** Four frames took 100, 20, 20 and 20 ms. How many frames a second is that over all? Write it for any list.
# %%
def over_all(milliseconds):
    # solution, stub: return ...
    return 1000 * len(milliseconds) / sum(milliseconds)
    # wrong: not the mean of the rates
    return sum(1000 / ms for ms in milliseconds) / len(milliseconds)
    # wrong: and nothing else
    fps = 30.0  # as the original course did: its average begins with the video's own rate
    for ms in milliseconds:
        fps = 0.95 * fps + 0.05 * 1000 / ms
    return fps
    # end


check(
    "07.2",
    over_all([100, 20, 20, 20]),
    25.0,
    hint=(
        "All frames divided by all the time, and nothing else; not the mean of the rates, in which "
        "slow frames count too little."
    ),
)
# %% [markdown]
# ## What you have learned
#
# * A browser wants H.264; the ending `.mp4` promises nothing.
# * Frames keep their times, so a stride thins a video out and does not speed it up.
# * FPS are all frames divided by all the time, and worth nothing without saying of what.
#
# **Next**: the lessons after this one measure what you have seen here: accuracy in [08](08_evaluate_map.ipynb), speed
# in [09](09_measure_fps.ipynb), and in [10](10_async_camera.ipynb) the video becomes a camera that does not wait.
# %%
ssd.close()
summary()
