"""The training tool on tiny networks and coloured rectangles.

It learns, stops and resumes, and its commands work. That says nothing about how good the shipped
models are.
"""

import json
import os
import signal

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch trains the models; the course itself does not need it"
)
onnx = pytest.importorskip("onnx", reason="the exporter writes ONNX")
pytest.importorskip("onnxruntime", reason="the card measures the exported file")

from make_card import multiply_adds
from training.augment import plain
from training.feed import Feed
from training.loop import Trainer
from training.losses import DetectionLoss
from training.nets import SSD, count_macs
from training.pool import Pool, PoolFile, Source
from training.priors import level_table, make_priors
from training.recipes import RECIPES
from training.record import write_model
from training.schedule import Options, learning_rate
from training.standin import LABELS, SCENE, TINY, shapes

SMALL = (
    "--steps 3 --device cpu --workers 1 --pool 6 --pool-start 2 --validate 2 --test 2 --log-every 1"
)


@pytest.fixture(autouse=True)
def as_before():
    """One thread, a fixed seed, and the signal handlers back in place afterwards."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def options(tmp_path, **more):
    values = dict(
        out=str(tmp_path),
        device="cpu",
        workers=0,
        pool=6,
        pool_start=1,
        validate=2,
        test=2,
        log_every=1,
        budget=1e9,
        steps=3,
    )
    return Options(**{**values, **more})


def trainer(tmp_path, recipe=TINY["resnet18"], **more):
    return Trainer(recipe, LABELS, SCENE, shapes, options(tmp_path, **more))


def detection_loss(recipe):
    return DetectionLoss(torch.from_numpy(make_priors(recipe)), level_table(recipe))


@pytest.mark.parametrize("name", sorted(TINY))
def test_a_fixed_batch_is_learned(name):
    recipe = TINY[name]
    model = SSD(recipe, 3).train()
    pool = Pool(Source(shapes, "", SCENE, 8), 4, "cpu")
    Feed(Source(shapes, "", SCENE, 8), {}, 0).start(pool)
    tensor, targets = plain(recipe, *pool.at(torch.arange(4)))

    loss = detection_loss(recipe)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    history = []
    for _ in range(30):
        total = sum(loss(*model(tensor), *targets))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append(total.item())
    assert history[-1] < 0.8 * history[0]


def test_training_writes_its_log_and_the_model_folder(tmp_path):
    run = trainer(tmp_path / "run")
    assert run.run()
    result = run.finish()
    assert set(result) == {"val", "test", "training"}
    assert result["training"]["steps"] == 3
    for name in ("log.csv", "curve.png", "checkpoint.pt", "weights.pt", "result.json"):
        assert (tmp_path / "run" / name).stat().st_size > 0


def test_a_stopped_run_goes_on(tmp_path):
    first = trainer(tmp_path, steps=4)
    first.options.max_seconds = 0
    first._housekeeping = lambda: None
    assert not first.run()
    again = trainer(tmp_path, steps=4, resume=True)
    for a, b in zip(first.model.parameters(), again.model.parameters()):
        assert torch.equal(a, b)
    again.run()
    assert again.state.step == 4 and again.rendered() >= first.rendered()
    third = trainer(tmp_path, steps=4, resume=True)
    assert third.state.step == 4 and third.first == again.rendered()


def test_workers_fill_the_pool_and_the_held_split():
    source = Source(shapes, "", SCENE, 8)
    feed = Feed(source, {"val": 3}, workers=2, slots=2)
    pool = Pool(source, 10, "cpu")
    feed.start(pool)
    feed.wait(10)
    feed.close()
    assert len(pool) == 10

    image, rows = source.render("val", 2)
    assert np.array_equal(feed.held["val"].images[2], image)
    assert np.array_equal(feed.held["val"].rows[2], rows)


def test_a_failing_renderer_is_reported():
    def broken(*_):
        raise ValueError("no such artwork")

    feed = Feed(Source(broken, "traffic", SCENE, 8), {"val": 1}, workers=1)
    feed.start(Pool(feed.source, 1, "cpu"))
    with pytest.raises(RuntimeError, match="traffic val 0 failed.*no such artwork"):
        feed.wait(1)
    feed.close()


def test_the_pool_file_brings_images_back(tmp_path):
    source = Source(shapes, "", SCENE, 8)
    file = PoolFile(str(tmp_path / "pool"), source, limit=3)
    for index in range(5):
        file(*source.render("train", index))
    file.close()
    pool = Pool(source, 10, "cpu")
    assert PoolFile(str(tmp_path / "pool"), source, limit=3).load(pool) == 3
    assert np.array_equal(pool.images[2].numpy(), source.render("train", 2)[0])


def test_the_rate_rises_then_falls():
    assert learning_rate(progress=0, step=0) < 0.01
    assert learning_rate(progress=0.01, step=1000) > 0.99
    assert learning_rate(progress=0.5, step=5000) == pytest.approx(0.51)
    assert learning_rate(progress=1, step=9999) == pytest.approx(0.02)


def test_the_model_folder(tmp_path, monkeypatch):
    recipe = TINY["resnet18"]
    monkeypatch.setitem(RECIPES, recipe.name, recipe)
    run = trainer(tmp_path / "run")
    run.run()
    run.finish()
    path = write_model(str(tmp_path / "run" / "weights.pt"), str(tmp_path / "model"))
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    assert record["input"]["width"] == 160 and record["labels"] == ["background", *LABELS]
    assert record["knows"].startswith("rendered ")
    assert onnx.load(path).graph.input[0].name == record["input"]["name"]
    assert (tmp_path / "model" / "curve.png").exists()


@pytest.fixture
def command_line(monkeypatch):
    """train_ssd.main with the stand-in scenes and a tiny network under a shipped name."""
    import train_ssd

    recipe = TINY["mobilenet_v2"]
    monkeypatch.setitem(RECIPES, recipe.name, recipe)
    monkeypatch.setattr(train_ssd, "sources", lambda task: (shapes, LABELS, SCENE))
    return lambda *args: train_ssd.main([args[0], recipe.name, *map(str, args[1:])])


def test_one_command_trains_the_next_exports(command_line, tmp_path, capsys):
    run = tmp_path / "run"
    model = tmp_path / "model"
    assert command_line("train", "--out", run, *SMALL.split()) == 0
    assert "complete" in capsys.readouterr().out
    assert command_line("export", run / "weights.pt", "--out", model) == 0
    recipe = TINY["mobilenet_v2"]
    cost = count_macs(SSD(recipe, len(LABELS)).eval(), recipe.size)
    assert multiply_adds(model / "model.onnx")[0] == cost.macs


def test_prior_sizes_are_suggested(command_line, capsys):
    assert command_line("priors", "--images", 20) == 0
    assert "Level(8, ((" in capsys.readouterr().out


def test_a_signal_stops_a_run_and_keeps_its_work(tmp_path):
    run = trainer(tmp_path, steps=10**6)
    step = run._step

    def interrupted():
        step()
        os.kill(os.getpid(), signal.SIGTERM)

    run._step = interrupted
    assert not run.run()
    assert trainer(tmp_path, steps=10**6, resume=True).state.step == 1
