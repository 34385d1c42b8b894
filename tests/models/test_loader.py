"""Which encoder serves when, with real files and no network in this process."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.clip import encoder as clip_encoder
from models.clip import spec as spec_module
from models.clip.encoder import ClipEncoder
from models.clip.loader import DEFAULT_MODEL, EncoderLoader
from models.clip.spec import model_id_of, parse_spec
from models.clip.weights import weights_on_disk
from models.errors import ModelError, WeightsUnavailableError
from models.interfaces import Encoder
from tests.models.tiny import REPO, add_architecture, publish, write_tokenizer, write_weights

LIVENESS_S = 60


class Offers:
    """What a loader offered, in order, with the state the page would see right after."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Encoder] = queue.Queue()
        self.taken: list[str] = []

    def __call__(self, encoder: Encoder) -> None:
        self._queue.put(encoder)

    def next_encoder(self) -> Encoder:
        encoder = self._queue.get(timeout=LIVENESS_S)
        self.taken.append(encoder.model_id)
        return encoder

    def next(self) -> str:
        return self.next_encoder().model_id

    def none_left(self) -> bool:
        return self._queue.empty()


@pytest.fixture
def loading(weights_dir) -> Iterator[Callable[..., tuple[EncoderLoader, Offers]]]:
    started = []

    def start(
        model: str, serving: str | None, weights_dir: Path = weights_dir
    ) -> tuple[EncoderLoader, Offers]:
        loader, offers = EncoderLoader(model, "cpu", weights_dir, retry_s=0.05), Offers()
        started.append(loader)
        loader.start(offers, serving)
        return loader, offers

    yield start
    for loader in started:
        loader.stop()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    """The spec of a checkpoint on disk that is not pocket."""
    folder = tmp_path_factory.mktemp("tiny")
    add_architecture(folder, "tiny-local", hf_tokenizer_name=None, vocab_size=49408)
    write_weights("tiny-local", folder / "tiny.safetensors")
    return f"tiny-local/{folder}/tiny.safetensors"


@pytest.fixture
def tiny_id(tiny) -> str:
    return model_id_of(parse_spec(tiny))


@pytest.fixture
def published(tmp_path) -> Path:
    """A weights folder that holds `tiny/web` in the layout of the hub's client."""
    add_architecture(tmp_path, "tiny")
    publish("tiny")
    repository = tmp_path / "weights" / f"models--{REPO.replace('/', '--')}"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    write_tokenizer(snapshot)
    write_weights("tiny", snapshot / "open_clip_model.safetensors")
    return tmp_path / "weights"


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    for _ in range(LIVENESS_S * 100):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came about")


def test_an_empty_album_gets_the_wanted_model_alone(loading, tiny, tiny_id):
    loader, offers = loading(tiny, serving=None)

    assert offers.next() == tiny_id
    until(lambda: loader.state == "ready")
    assert offers.none_left()
    assert (loader.wanted, loader.problem, loader.fetching) == (tiny, None, False)


def test_photos_of_the_wanted_model_get_it_alone(loading, tiny, tiny_id):
    loader, offers = loading(tiny, serving=tiny_id)

    assert offers.next() == tiny_id
    until(lambda: loader.state == "ready")
    assert offers.none_left()


def test_photos_of_another_model_get_a_stand_in(loading, tiny, tiny_id, pocket):
    loader, offers = loading(tiny, serving=pocket.model_id)

    assert [offers.next(), offers.next()] == [pocket.model_id, tiny_id]
    until(lambda: loader.state == "ready")


def test_stand_in_is_the_photos_model_when_available(loading, tiny, tiny_id, published):
    _, offers = loading(tiny, serving="tiny/web", weights_dir=published)

    assert [offers.next(), offers.next()] == ["tiny/web", tiny_id]


def test_published_weights_on_disk_serve_at_once(loading, published):
    loader, offers = loading("tiny/web", serving="tiny/web", weights_dir=published)

    assert offers.next() == "tiny/web"
    until(lambda: loader.state == "ready")
    assert offers.none_left()


@pytest.mark.parametrize("lost", ["open_clip_model.safetensors", "tokenizer.json"])
def test_weights_are_incomplete_without_their_tokenizer(published, lost):
    assert weights_on_disk("tiny/web", published)
    (file,) = published.glob(f"*/snapshots/abc/{lost}")
    file.unlink()

    assert not weights_on_disk("tiny/web", published)


@pytest.mark.parametrize("spec", ["pocket@12345678", "nonsense", "tiny/none", "tiny/no/file.pt"])
def test_what_is_no_spec_is_not_on_disk(published, spec):
    assert weights_on_disk("pocket", published)
    assert not weights_on_disk(spec, published)


def test_broken_published_weights_are_named_by_their_folder(loading, published, pocket):
    (file,) = published.glob("*/snapshots/abc/*.safetensors")
    file.write_bytes(b"broken")

    loader, offers = loading("tiny/web", serving="tiny/web", weights_dir=published)

    assert offers.next() == pocket.model_id
    assert str(file.parents[2]) in (loader.problem or "")


def test_wanted_pocket_is_loaded_once(loading, pocket):
    loader, offers = loading("pocket", serving="gone/model")

    assert offers.next() == pocket.model_id
    until(lambda: loader.state == "ready")
    assert offers.none_left()


def test_broken_model_is_retried_while_pocket_serves(loading, tiny, tiny_id, pocket):
    file = Path(tiny.partition("/")[2])
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    try:
        loader, offers = loading(tiny, serving=None)
        assert offers.next() == pocket.model_id
        until(lambda: loader.state == "stand-in")
        assert "replace or delete" in (loader.problem or "")
        loader.problem = None
        until(lambda: loader.problem is not None)  # it has tried again
        assert offers.none_left()
    finally:
        file.write_bytes(whole)

    assert offers.next() == tiny_id
    until(lambda: loader.state == "ready" and loader.problem is None)


def test_missing_models_leave_a_sentence_and_no_encoder(loading, monkeypatch, tmp_path):
    monkeypatch.setattr(spec_module, "POCKET_DIR", tmp_path)

    loader, offers = loading("ViT-B-32/no-such-tag", serving=None)

    until(lambda: "cannot be read: restore it" in (loader.problem or ""))
    assert loader.state == "loading"
    assert offers.none_left()


def test_unexpected_error_is_reported_and_loading_retried(tiny, tiny_id):
    loader, offers = EncoderLoader(tiny, "cpu", Path("weights"), retry_s=0.05), Offers()
    problems = []

    def offer(encoder):
        problems.append(loader.problem)
        if len(problems) == 1:
            raise MemoryError("once")
        offers(encoder)

    loader.start(offer, serving=None)

    assert offers.next() == tiny_id
    until(lambda: loader.state == "ready")
    assert problems == [None, "The model could not be loaded; the album's log says why."]
    assert loader.problem is None
    loader.stop()


def test_a_stopped_loader_offers_nothing_more(loading, tiny, pocket):
    loader, offers = loading("ViT-B-32/no-such-tag", serving=None)
    assert offers.next() == pocket.model_id
    loader.stop()
    loader.wanted = tiny  # would be loaded at the next attempt

    until(lambda: not any(thread.name == "encoder-loader" for thread in threading.enumerate()))
    assert offers.none_left()


def test_auto_wants_the_default_model(weights_dir):
    assert EncoderLoader("auto", "cpu", weights_dir).wanted == DEFAULT_MODEL


@pytest.mark.parametrize("serving", [None, "the wanted one"])
def test_command_line_gets_wanted_model_when_available(weights_dir, tiny, tiny_id, serving):
    loader = EncoderLoader(tiny, "cpu", weights_dir)

    assert loader.load(tiny_id if serving else None).model_id == tiny_id
    assert (loader.state, loader.problem) == ("ready", None)


def test_command_line_keeps_the_model_of_the_photos(weights_dir, tiny, pocket):
    loader = EncoderLoader(tiny, "cpu", weights_dir)

    assert loader.load(pocket.model_id).model_id == pocket.model_id
    assert loader.state == "stand-in"
    assert "start the album once" in (loader.problem or "")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("auto", f"{DEFAULT_MODEL} is not in use yet"), ("ViT-B-32/none", 'No weights "none"')],
)
def test_command_line_falls_back_to_pocket_with_reason(weights_dir, pocket, model, sentence):
    loader = EncoderLoader(model, "cpu", weights_dir)

    assert loader.load(None).model_id == pocket.model_id
    assert sentence in (loader.problem or "")


def test_command_line_reports_a_missing_pocket(weights_dir, monkeypatch, tmp_path):
    monkeypatch.setattr(spec_module, "POCKET_DIR", tmp_path)

    with pytest.raises(WeightsUnavailableError, match="restore it"):
        EncoderLoader("auto", "cpu", weights_dir).load(None)


def test_missing_device_is_one_sentence(weights_dir, photos):
    encoder = EncoderLoader("pocket", "tpu", weights_dir).load(None)

    assert encoder.encode_texts(["a cat"]).shape == (1, encoder.dim)
    with pytest.raises(ModelError, match="set ALBUM_DEVICE"):
        encoder.encode_images(photos[:1])


@pytest.mark.parametrize("model", ["pocket", "ViT-B-32/no-such-tag"])
def test_page_encodes_texts_before_network_is_loaded(loading, monkeypatch, model):
    go = threading.Event()

    def slowly(*args: object) -> ClipEncoder:
        assert go.wait(LIVENESS_S)
        return ClipEncoder(*args)

    monkeypatch.setattr(clip_encoder, "ClipEncoder", slowly)
    loader, offers = loading(model, serving=None)
    try:
        encoder = offers.next_encoder()
        assert encoder.encode_texts(["a cat", "고양이"]).shape == (2, encoder.dim)
        assert loader.state == "loading"
    finally:
        go.set()

    until(lambda: loader.state == ("ready" if model == "pocket" else "stand-in"))


def test_page_searches_by_text_when_network_is_broken(weights_dir):
    loader, offers = EncoderLoader("pocket", "tpu", weights_dir, retry_s=LIVENESS_S), Offers()
    loader.start(offers, None)
    try:
        offers.next()
        until(lambda: "set ALBUM_DEVICE" in (loader.problem or ""))
        assert loader.state == "loading"
    finally:
        loader.stop()


@pytest.mark.parametrize("wanted", ["auto", "pocket", "ViT-B-32/laion2b_s34b_b79k"])
def test_choosing_pocket_for_its_photos_loads_no_network(tmp_path, pocket, wanted):
    program = (
        "import sys, threading; from pathlib import Path\n"
        "from models.clip.loader import EncoderLoader\n"
        "wanted, folder, serving = sys.argv[1:]\n"
        "offered = threading.Event()\n"
        "def offer(encoder):\n"
        "    assert encoder.model_id == serving\n"
        "    assert not {'torch', 'open_clip'} & set(sys.modules)\n"
        "    sys.stdout.write('light'); sys.stdout.flush(); offered.set()\n"
        "EncoderLoader(wanted, 'cpu', Path(folder)).start(offer, serving)\n"
        "offered.wait(60)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, wanted, str(tmp_path), pocket.model_id],
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("light"), done.stderr


def test_importing_the_models_loads_no_network():
    heavy = "{'torch', 'open_clip', 'transformers', 'google.generativeai', 'huggingface_hub'}"
    modules = (
        "models.clip.loader, models.captioners.gemini, models.classifiers.zero_shot, "
        "models.interfaces, models.clip.weights, models.clip.lazy_encoder, models.clip.text_tower"
    )

    subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; assert not {heavy} & set(sys.modules)"],
        check=True,
    )
