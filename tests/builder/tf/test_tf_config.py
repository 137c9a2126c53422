"""pipeline.config is read: protobuf's text format as people write it, and what is wrong with it."""

import pytest

from trt_course import CourseError
from trt_course.builder.tf_graph.config import parse, read_config

TEXT = """
# A comment { with braces }
model {
  ssd {
    num_classes: 90
    image_resizer { fixed_shape_resizer { height: 300, width: 300; } }
    aspect_ratios: [1.0, 2.0,
                    0.5]
    aspect_ratios: 3.0
    reduce: false  # behind a value
    anchor <min_scale: 2e-1 max_scale: -.5>
    message: { deep: 1 }
    several [{ number: 1 }, { number: 2 }]
  }
}
train_config { path: "PATH_TO/a \\"file\\" # no comment" 'and its end' }
"""


def test_a_whole_config():
    settings = parse(TEXT, "an example")
    ssd = settings.inside("model", "ssd")
    assert ssd.number("num_classes", 1) == 90
    assert ssd.inside("image_resizer", "fixed_shape_resizer").number("width", 0) == 300
    assert ssd.numbers("aspect_ratios") == [1.0, 2.0, 0.5, 3.0]
    assert ssd.flag("reduce", otherwise=True) is False
    assert ssd.inside("anchor").numbers("max_scale") == [-0.5]
    assert ssd.inside("message").number("deep", 0) == 1
    assert ssd.inside("several").number("number", 0) == 2  # the last of a field counts
    assert settings.inside("train_config").has("path")


def test_what_is_not_there():
    settings = parse("", "an example")
    assert settings.inside("model", "ssd").number("num_classes", 7) == 7
    assert settings.word("name", "none") == "none"
    assert settings.flag("clear", otherwise=True)
    assert not settings.has("model")


WRONG = {
    "open": ("model {\n ssd {\n}", r"line 1: found '\{'; wanted: the brace that closes it"),
    "closed twice": ("model { } }", r"line 1: found '\}'; wanted: a field"),
    "no value": ("model {\n classes: }", r"line 2: found '\}'; wanted: a value for classes"),
    "the end": ("classes:", "wanted: a value for classes"),
    "no name": ("{ }", "wanted: the name of a field"),
    "an open text": ('path: "abc\n', "line 1: found '\"'; wanted"),
    "an open list": ("sides: [1, 2", "wanted: a value for sides"),
    "a strange character": ("model \u00a7", "line 1: found '\u00a7'"),
    "too deep": ("a {" * 100, "at most 50 braces"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong(case):
    text, said = WRONG[case]
    with pytest.raises(CourseError, match=said):
        parse(text, "an example")


def test_a_word_where_a_number_belongs():
    settings = parse("classes: many ssd: 1", "an example")
    with pytest.raises(CourseError, match="an example: classes is many; wanted: a number"):
        settings.number("classes", 1)
    with pytest.raises(CourseError, match="an example: ssd is 1; wanted: fields in braces"):
        settings.inside("ssd")


def test_fields_where_a_number_belongs():
    with pytest.raises(CourseError, match=r"ssd is \{...\}; wanted: a number"):
        parse("ssd { }", "an example").number("ssd", 1)


def test_the_file_beside_the_graph(tmp_path):
    assert not read_config(tmp_path / "graph.pb").has("model")
    (tmp_path / "pipeline.config").write_text("model { }")
    assert read_config(tmp_path / "graph.pb").has("model")
    (tmp_path / "pipeline.config").write_bytes(b"model \xff")
    with pytest.raises(CourseError, match="pipeline.config, line 1: not UTF-8"):
        read_config(tmp_path / "graph.pb")
