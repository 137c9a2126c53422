"""No run replaces a device, a pipe or somebody else's file, and all is asked before the work."""

import json
import os
import resource
import socket
import stat
import subprocess
import sys
import threading

import pytest

from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.media.writer import VideoWriter
from trt_course.support import files
from trt_course.support.files import is_hidden, whole_file, write_text
from trt_course.support.noted import LIST
from trt_course.support.outputs import Outputs
from trt_course.support.temporary import temporary_beside


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


def detect(cells, source, out, *words):
    return run("detect", source, "--model", cells, "--out", out, *words)


@pytest.fixture
def null(tmp_path):
    """A device that swallows everything, like /dev/null but the test's own."""
    node = tmp_path / "null"
    try:
        os.mknod(str(node), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except (OSError, AttributeError):
        pytest.skip("only root may make a device here")
    return node


@pytest.fixture
def clip(tmp_path, cell_picture):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 10) as writer:
        for _ in range(4):
            writer.write(cell_picture)
    return path


# Devices, pipes, sockets, links


def test_a_device_stays_a_device(null, cells, picture_folder, tmp_path):
    source = picture_folder / "a.jpg"
    assert detect(cells, source, tmp_path / "o", "--trace", null) == 0
    words = ["--gt", "data/signs/ground-truth", "--det", "data/signs/ground-truth"]
    run("evaluate", *words, "--json", null)
    assert stat.S_ISCHR(os.stat(str(null)).st_mode)


def test_a_devices_neighbours_are_left_alone(null):
    before = sorted(os.listdir(str(null.parent)))
    write_text(null, "figures")
    assert sorted(os.listdir(str(null.parent))) == before


def test_a_pipe_gets_the_whole_text_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(str(pipe))
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    text = "row\n" * 50000  # more than a pipe holds
    while True:
        try:
            write_text(pipe, text)
            break
        except CourseError:  # the reader has not opened it yet
            continue
    reader.join(60)
    assert read == [text.encode()]
    assert stat.S_ISFIFO(os.stat(str(pipe)).st_mode)


def test_a_pipe_that_nobody_reads_and_a_socket_are_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(str(pipe))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path in (pipe, tmp_path / "socket"):
            with pytest.raises(CourseError, match=f"{path.name} is a device, a pipe or a socket"):
                write_text(path, "figures")


def test_where_output_goes_may_be_a_file(tmp_path):
    """/dev/stdout leads to a file here, and that is written into, not renamed away."""
    code = "from trt_course.support.files import write_text; write_text('/dev/stdout', 'figures')"
    with (tmp_path / "said.txt").open("w") as said:
        subprocess.run([sys.executable, "-c", code], stdout=said, check=True, timeout=60)
    assert (tmp_path / "said.txt").read_text() == "figures"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "far" / "real.txt")
    Outputs().write_text(link, "one")
    Outputs().write_text(link, "two")
    assert link.is_symlink()
    assert (tmp_path / "far" / "real.txt").read_text() == "two"


# Somebody else's file


@pytest.mark.parametrize("name", ["a.txt", "a.jpg", "a.json"])
def test_a_picture_leaves_the_readers_files_alone(name, cells, picture_folder, tmp_path, capsys):
    out = tmp_path / "o"
    out.mkdir()
    (out / name).write_text("my own labels")
    words = ["--save-json"]
    assert detect(cells, picture_folder / "a.jpg", out, *words) == 2
    assert f"o/{name} is in the way: this kit did not write it" in capsys.readouterr().err
    assert os.listdir(str(out)) == [name]
    assert (out / name).read_text() == "my own labels"

    # By force, and then it is the kit's own.
    assert detect(cells, picture_folder / "a.jpg", out, *words, "--force") == 0
    assert (out / name).read_bytes() != b"my own labels"
    assert detect(cells, picture_folder / "a.jpg", out, *words) == 0


def test_what_the_reader_has_changed_is_the_readers(cells, picture_folder, tmp_path, capsys):
    out = tmp_path / "o"
    assert detect(cells, picture_folder / "a.jpg", out) == 0
    with (out / "a.txt").open("a") as stream:
        stream.write("red 1 0 0 5 5\n")
    assert detect(cells, picture_folder / "a.jpg", out) == 2
    assert "or it was changed since" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["detection-results/b.txt", "pictures/b.jpg", "detections.json"])
def test_a_folder_leaves_them_alone_too(name, cells, picture_folder, tmp_path, capsys):
    foreign = tmp_path / "o" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    assert detect(cells, picture_folder, tmp_path / "o") == 2
    assert f"{name} is in the way" in capsys.readouterr().err
    assert [path for path in (tmp_path / "o").rglob("*") if path.is_file()] == [foreign]


def test_many_files_in_the_way_are_one_sentence(cells, picture_folder, tmp_path, capsys):
    texts = tmp_path / "o" / "detection-results"
    texts.mkdir(parents=True)
    for name in "abcdef":
        (texts / f"{name}.txt").write_text("mine")
    assert detect(cells, picture_folder, tmp_path / "o") == 2
    said = capsys.readouterr().err
    assert "a.txt" in said and "and 3 more are in the way" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", ["clip.mp4", "clip.json"])
def test_a_video_leaves_them_alone_too(name, clip, cells, tmp_path, capsys):
    foreign = tmp_path / "o" / name
    foreign.parent.mkdir()
    foreign.write_text("mine")
    assert detect(cells, clip, foreign.parent, "--save-json") == 2
    assert f"{name} is in the way" in capsys.readouterr().err
    assert foreign.read_text() == "mine"
    assert os.listdir(str(foreign.parent)) == [name]
    assert detect(cells, clip, foreign.parent, "--save-json", "--force") == 0


def test_transcode_and_figures_leave_them_alone_too(clip, tmp_path, capsys):
    out = tmp_path / "o"
    out.mkdir()
    (out / "clip.mp4").write_text("mine")
    (out / "figures.json").write_text("mine")
    assert run("transcode", clip, "--out", out) == 2
    truth = "data/signs/ground-truth"
    figures = ["--gt", truth, "--det", truth, "--json", out / "figures.json"]
    assert run("evaluate", *figures) == 2
    assert capsys.readouterr().err.count("is in the way") == 2


def test_by_force_a_picture_is_still_not_written_over_itself(cells, picture_folder, capsys):
    before = (picture_folder / "a.jpg").read_bytes()
    assert detect(cells, picture_folder / "a.jpg", picture_folder, "--force") == 2
    assert "written over itself" in capsys.readouterr().err
    assert (picture_folder / "a.jpg").read_bytes() == before


def test_an_empty_file_is_nobodys(tmp_path):
    (tmp_path / "made-by-mktemp.json").touch()
    Outputs().write_json(tmp_path / "made-by-mktemp.json", {})
    assert json.loads((tmp_path / "made-by-mktemp.json").read_text()) == {}


def test_the_list_takes_any_name_and_any_damage(tmp_path):
    names = ["plain.txt", "with\nline.txt", "caf\udce9.txt", "a  b%20.txt", "größe.txt"]
    for name in names:
        Outputs().write_text(tmp_path / name, "one")
    assert len((tmp_path / LIST).read_text().splitlines()) == len(names)

    # Every line is damaged but those of the names above.
    with (tmp_path / LIST).open("ab") as stream:
        stream.write(b"\xff\x00 nonsense\n\n%%%  %zz\n")
    for name in names:
        Outputs().write_text(tmp_path / name, "two")


# Asked before the work


@pytest.mark.parametrize(
    "words, said",
    [
        (["--json", "{folder}"], "is a folder"),
        (["--json", "{file}/figures.json"], "is a file, not a folder"),
        (["--trace", "{folder}"], "is a folder"),
    ],
)
def test_what_cannot_be_written_is_known_before_the_model_runs(words, said, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    places = {"folder": str(tmp_path), "file": str(tmp_path / "file")}
    words = [word.format(**places) for word in words]
    assert run("bench", "no-such-model", *words) == 2
    assert said in capsys.readouterr().err  # and nothing about the model


# Temporary files


def test_a_killed_runs_leftovers_go_with_the_next_run(tmp_path):
    code = (
        "import os, sys; from trt_course.support.files import whole_file\n"
        "with whole_file(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), 9)"
    )
    target = tmp_path / "a.txt"
    subprocess.run([sys.executable, "-c", code, str(target)], timeout=60)
    (left,) = tmp_path.iterdir()
    assert is_hidden(left)
    assert left.suffix == ".txt"

    write = f"from trt_course.support.files import write_text; write_text({str(target)!r}, 'whole')"
    subprocess.run([sys.executable, "-c", write], check=True, timeout=60)
    assert list(tmp_path.iterdir()) == [target]


def test_a_running_ones_are_left_alone(tmp_path):
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        write = (
            "from trt_course.support.files import write_text;"
            f"write_text({str(tmp_path / 'b.txt')!r}, 'whole')"
        )
        subprocess.run([sys.executable, "-c", write], check=True, timeout=60)
        assert temporary.exists()
    assert (tmp_path / "a.txt").read_text() == "half"


def test_other_peoples_hidden_files_are_no_leftovers(tmp_path):
    theirs = [".a-12-34.txt", ".bashrc", ".a~trt_course.txt", ".a~trt_course-x-y.txt"]
    for name in theirs:
        (tmp_path / name).touch()
    write_text(tmp_path / "a.txt", "text")
    assert sorted(os.listdir(str(tmp_path))) == sorted(theirs + ["a.txt"])


@pytest.mark.parametrize("name", ["n" * 251 + ".txt", "ü" * 125 + ".txt", "a." + "e" * 250])
def test_the_longest_names_can_be_written(name, tmp_path):
    with temporary_beside(tmp_path / name) as temporary:
        assert temporary.exists()
    Outputs().write_text(tmp_path / name, "text")
    assert (tmp_path / name).read_text() == "text"


@pytest.mark.parametrize("write", [files.write_bytes, Outputs().write_bytes])
def test_a_full_disk_is_told_with_the_file_s_name(tmp_path, write):
    """A limit on the length of files stands for the disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError) as found:
            write(tmp_path / "a.txt", bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found.value.filename == str(tmp_path / "a.txt")
    assert os.listdir(str(tmp_path)) == []


def test_a_link_under_a_temporary_name_leads_nowhere(tmp_path):
    """In a folder that several people use, somebody may put links where files will be written."""
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    code = (
        "import os, sys; from trt_course.support.files import write_text\n"
        "folder = sys.argv[1]\n"
        "for number in range(20):\n"
        "    name = f'.a~trt_course-{os.getpid()}-{number}.txt'\n"
        "    os.symlink(os.path.join(folder, 'victim.txt'), os.path.join(folder, name))\n"
        "write_text(os.path.join(folder, 'a.txt'), 'text')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    assert victim.read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "text"
    assert not (tmp_path / "a.txt").is_symlink()


def test_a_refused_claim_claims_nothing_that_is_foreign(tmp_path):
    """Also where the same claim is refused for another file."""
    (tmp_path / "a.txt").write_text("mine")
    outputs = Outputs()
    with pytest.raises(CourseError, match="is a folder"):
        outputs.claim(tmp_path / "a.txt", tmp_path)
    with pytest.raises(CourseError, match="is in the way"):
        outputs.write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "mine"
