"""The figures of hand-made cases: the lines, bars, numbers and names that must stand in them."""

import numpy as np
import pytest

from trt_course.draw import class_color
from trt_course.measure import plots, shown, voc

CAR = 0
VAN = 1


@pytest.fixture
def case():
    """A car found, a van called a car, a car missed, a false van, and a difficult car."""
    truth = voc.Truth(
        labels=["car", "van", "car", "car"],
        boxes=np.array([[0.0, 0, 20, 20], [40, 0, 80, 40], [0, 60, 50, 95], [100, 60, 110, 70]]),
        difficult=np.array([False, False, False, True]),
    )
    found = voc.Found(
        labels=["car", "car", "van"],
        confs=np.array([0.9, 0.8, 0.7]),
        boxes=np.array([[0.0, 0, 20, 20], [40, 0, 80, 40], [100, 0, 120, 20]]),
    )
    return {"a": truth}, {"a": found}


def color_of(number):
    """The colour of the n-th class in alphabetical order, as matplotlib has it."""
    blue, green, red = class_color(number + 1)
    return pytest.approx((red / 255, green / 255, blue / 255))


def texts(parts):
    return [part.get_text() for part in parts]


def legend_of(axes):
    return texts(axes.get_legend().get_texts())


def placed_texts(axes):
    """The texts inside the axes, by their place."""
    return {text.get_position(): text.get_text() for text in axes.texts}


# Precision and recall -----------------------------------------------------------------------------


def test_curves_have_the_points_of_the_score(case):
    (axes,) = plots.pr_curves(voc.score(*case)).axes
    car, van = axes.lines
    assert car.get_xydata().tolist() == [[0, 1], [0.5, 1], [0.5, 0.5], [0.5, 0]]
    assert van.get_xydata().tolist() == [[0, 0], [0, 0], [0, 0]]
    assert car.get_color() == color_of(CAR)
    assert van.get_color() == color_of(VAN)
    assert legend_of(axes) == ["car  AP 0.500", "van  AP 0.000"]
    assert axes.get_title() == "mAP 0.250"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")


def test_a_curve_only_falls_and_its_area_is_the_ap():
    recall = np.array([0, 0.25, 0.25, 0.5])
    precision = np.array([0, 0.5, 1 / 3, 0.75])
    score = voc.ClassScore(voc.area_under(recall, precision), recall, precision, 4, 2, 2)
    (axes,) = plots.pr_curves(voc.Score({"car": score})).axes
    (line,) = axes.lines
    x, y = line.get_data()
    assert x.tolist() == [0, 0, 0.25, 0.25, 0.5, 0.5]
    assert y.tolist() == [0.75, 0.75, 0.75, 0.75, 0.75, 0]
    assert (np.diff(x) * y[1:]).sum() == pytest.approx(score.ap)

    # All of it is in sight.
    assert axes.get_xlim()[0] <= 0 < 1 < axes.get_xlim()[1]
    assert axes.get_ylim()[0] <= 0 < 1 < axes.get_ylim()[1]


def test_a_class_that_nothing_was_found_of_has_no_curve_and_its_name():
    score = voc.ClassScore(0.0, np.zeros(0), np.zeros(0), 1, 0, 0)
    (axes,) = plots.pr_curves(voc.Score({"car": score})).axes
    assert legend_of(axes) == ["car  AP 0.000"]


# Bars ---------------------------------------------------------------------------------------------


def test_bars_of_ap_have_the_best_on_top(case):
    figure = plots.ap_bars(voc.score(*case))
    (axes,) = figure.axes
    lower, upper = axes.patches
    assert texts(axes.get_yticklabels()) == ["van", "car"]
    assert axes.get_yticks().tolist() == [0, 1]
    assert (lower.get_width(), upper.get_width()) == (0.0, 0.5)
    assert lower.get_y() + lower.get_height() / 2 == pytest.approx(0)
    assert upper.get_y() + upper.get_height() / 2 == pytest.approx(1)
    assert lower.get_facecolor()[:3] == color_of(VAN)
    assert upper.get_facecolor()[:3] == color_of(CAR)
    assert placed_texts(axes) == {(0.01, 0): "0.000", (0.01, 1): "0.500"}
    assert axes.get_title() == "mAP 0.250"
    assert axes.get_xlabel() == "average precision"
    assert axes.get_xlim() == (0, 1)
    assert figure.get_size_inches().tolist() == pytest.approx([6, 2.2])


def stacked(axes):
    """From where to where each bar goes, by its kind; a bar for each row."""
    spans = {}
    for bars in axes.containers:
        spans[bars.get_label()] = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    return spans


def test_bars_of_counts_stand_one_behind_the_other(case):
    (axes,) = plots.count_bars(*case).axes
    assert stacked(axes) == {
        "found": [(0, 1), (0, 0)],
        "missed": [(1, 2), (0, 1)],
        "false alarms": [(2, 3), (1, 2)],
    }
    assert texts(axes.get_yticklabels()) == ["car", "van"]
    assert legend_of(axes) == ["found", "missed", "false alarms"]
    assert axes.get_xlabel() == "boxes, from confidence 0.3"
    colors = {bars.get_label(): bars[0].get_facecolor() for bars in axes.containers}
    assert len(set(colors.values())) == 3


def test_bars_of_counts_are_of_what_would_be_shown(case):
    (axes,) = plots.count_bars(*case, conf_th=0.8).axes
    assert stacked(axes)["false alarms"] == [(2, 3), (1, 1)]
    assert axes.get_xlabel() == "boxes, from confidence 0.8"
    (axes,) = plots.count_bars(*case, conf_th=0.95).axes
    assert stacked(axes)["found"] == [(0, 0), (0, 0)]
    assert stacked(axes)["missed"] == [(0, 2), (0, 1)]


def test_bars_of_heights_stand_over_their_range():
    """Cars 10 pixels high are missed, those 20 and 200 high are found; a van is 40 high."""
    tops_and_heights = [(0, 10), (100, 20), (300, 200), (600, 40)]
    boxes = np.array([[0.0, top, 50, top + height] for top, height in tops_and_heights])
    labels = ["car", "car", "car", "van"]
    truths = {"a": voc.Truth(labels, boxes, np.zeros(4, bool))}
    founds = {"a": voc.Found(labels[1:], np.array([0.9, 0.8, 0.1]), boxes[1:])}

    (axes,) = plots.ap_by_height(truths, founds).axes
    cars, vans = axes.containers
    assert [bar.get_height() for bar in cars] == [0, 1, 0, 0, 1]
    assert [bar.get_height() for bar in vans] == [0, 0, 1, 0, 0]
    assert cars[0].get_facecolor()[:3] == color_of(CAR)
    assert vans[0].get_facecolor()[:3] == color_of(VAN)
    names = ["up to 16", "16 to 32", "32 to 64", "64 to 128", "from 128"]
    assert texts(axes.get_xticklabels()) == names
    assert legend_of(axes) == ["car", "van"]
    assert axes.get_xlabel() == "height in pixels"
    assert axes.get_ylabel() == "average precision"

    # Beside each other, in the middle over the name of their range.
    for tick, car, van in zip(axes.get_xticks(), cars, vans):
        assert van.get_x() == pytest.approx(car.get_x() + car.get_width())
        assert tick == pytest.approx(van.get_x())
    gaps = np.diff([bar.get_x() for bar in cars])
    assert gaps == pytest.approx(np.ones(4))
    assert cars[0].get_width() == vans[0].get_width() == pytest.approx(0.4)


def test_a_range_of_heights_begins_where_the_one_before_ends():
    """A height on the border belongs to the upper one: no object is in none, or in two."""
    assert [low for low, _ in plots.HEIGHTS] == [0] + [high for _, high in plots.HEIGHTS[:-1]]
    truths = {"a": voc.Truth(["car"], np.array([[0.0, 0, 50, 32]]), np.zeros(1, bool))}
    founds = {"a": voc.Found(["car"], np.array([0.9]), truths["a"].boxes)}
    (axes,) = plots.ap_by_height(truths, founds).axes
    assert [bar.get_height() for bar in axes.patches] == [0, 0, 1, 0, 0]


# Confusion ----------------------------------------------------------------------------------------


def test_the_confusion_has_its_counts_in_their_cells(case):
    (axes,) = plots.confusion(*case).axes
    counts = np.array(
        [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    )  # row: what is there, column: what was said
    for (row, column), count in np.ndenumerate(counts):
        assert placed_texts(axes)[column, row] == str(count)
    assert len(axes.texts) == 9
    assert texts(axes.get_yticklabels()) == ["car", "van", "nothing"]
    assert texts(axes.get_xticklabels()) == ["car", "van", "nothing"]
    assert axes.get_xticks().tolist() == axes.get_yticks().tolist() == [0, 1, 2]
    assert axes.get_xlabel() == "what was said (from confidence 0.3)"
    assert axes.get_ylabel() == "what is there"


def test_the_confusion_is_of_what_would_be_shown(case):
    (axes,) = plots.confusion(*case, conf_th=0.85).axes
    assert placed_texts(axes)[0, 1] == "0"
    assert placed_texts(axes)[2, 1] == "1"
    assert "from confidence 0.85" in axes.get_xlabel()


def test_numbers_can_be_read_on_light_and_on_dark_cells():
    """By the logarithm: beside a hundred hits, three mistakes still have a shade."""
    truths = {}
    founds = {}
    for number in range(103):
        label = "car"
        if number >= 100:
            label = "van"
        box = np.array([[0.0, 0, 9, 9]])
        truths[str(number)] = voc.Truth(["car"], box, np.zeros(1, bool))
        founds[str(number)] = voc.Found([label], np.array([0.9]), box)

    (axes,) = plots.confusion(truths, founds).axes
    inks = {text.get_text(): text.get_color() for text in axes.texts}
    assert inks == {"100": "white", "3": "black", "0": "black"}
    (image,) = axes.images
    assert image.get_array().tolist()[0] == pytest.approx([np.log(101), np.log(4), 0])


# Many classes, and none ---------------------------------------------------------------------------


def figures_of(truths, founds):
    result = voc.score(truths, founds)
    return {
        "curves": plots.pr_curves(result),
        "ap": plots.ap_bars(result),
        "counts": plots.count_bars(truths, founds),
        "heights": plots.ap_by_height(truths, founds),
        "confusion": plots.confusion(truths, founds),
    }


def test_a_figure_says_which_classes_it_leaves_out(case, monkeypatch):
    """Or its reader takes what is shown for all there is."""
    monkeypatch.setattr(shown, "MOST_CLASSES", 1)
    axes = {name: figure.axes[0] for name, figure in figures_of(*case).items()}
    remark = ", the 1 commonest of 2 classes"
    assert axes["curves"].get_title() == "mAP 0.250" + remark
    assert axes["ap"].get_title() == "mAP 0.250" + remark
    assert axes["counts"].get_xlabel() == "boxes, from confidence 0.3" + remark
    assert axes["heights"].get_xlabel() == "height in pixels" + remark
    said = "what was said (from confidence 0.3" + remark + ")"
    assert axes["confusion"].get_xlabel() == said

    assert legend_of(axes["curves"]) == ["car  AP 0.500"]
    assert texts(axes["ap"].get_yticklabels()) == ["car"]
    assert texts(axes["counts"].get_yticklabels()) == ["car"]
    assert legend_of(axes["heights"]) == ["car"]
    assert texts(axes["confusion"].get_xticklabels()) == ["car", "nothing"]


@pytest.mark.parametrize("count, columns", [(1, 1), (20, 1), (21, 4)])
def test_a_legend_of_many_names_has_small_print(count, columns):
    score = voc.ClassScore(0.0, np.zeros(1), np.zeros(1), 1, 0, 1)
    result = voc.Score({f"class {number}": score for number in range(count)})
    legend = plots.pr_curves(result).axes[0].get_legend()
    assert len(legend.get_texts()) == count
    assert legend._ncols == columns
    assert (legend.get_texts()[0].get_fontsize() < 5) == (columns == 4)


def test_without_a_class_there_is_no_legend():
    nothing = voc.Truth([], np.zeros((0, 4)), np.zeros(0, bool))
    figures = figures_of({"a": nothing}, {"a": voc.Found([], np.zeros(0), np.zeros((0, 4)))})
    for name in ("curves", "heights"):
        assert figures[name].axes[0].get_legend() is None
    assert texts(figures["confusion"].axes[0].get_xticklabels()) == ["nothing"]
