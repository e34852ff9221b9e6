"""Models behind services, by their own clients, against a real server that keeps the services' rules."""

import logging
import pickle
import time
import traceback
import warnings

import numpy as np
import pytest

from skko import KoEmbeddingTransformer, config_context
from skko.embedding import encode_counts
from skko.evaluation import evaluate_retrieval, evaluate_sts
from skko.exceptions import ModelNotAvailableError, TruncationWarning
from skko.models import ModelSpec, list_models, remote_usage
from skko.models.backends import remote_clients
from skko.models.registry import registry
from skko.models.service import find_service
from tests.embedding_server import EmbeddingServer, tokens_of

pytest.importorskip("openai")
pytestmark = pytest.mark.socket
TEXTS = [f"{number}번째 문의: 배송이 늦어요" for number in range(100)]


@pytest.fixture
def server(fresh_cache, monkeypatch):
    for variable in ("OPENAI_API_KEY", "CO_API_KEY", "UPSTAGE_API_KEY", "SKKO_API_KEY"):
        monkeypatch.setenv(variable, "sk-geheim-1234567890")
    registry.clear()
    with EmbeddingServer() as one:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{one.address}/v1")
        monkeypatch.setenv("UPSTAGE_BASE_URL", f"{one.address}/v1")
        monkeypatch.setenv("CO_API_URL", one.address)
        yield one
    registry.clear()


def expected(server, texts, model="m", kind=""):
    vectors = np.stack([server.vector(model, kind, text) for text in texts])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def name_of(server):
    return f"{server.address}/v1#m"


@pytest.mark.parametrize("base64", [True, False])
def test_vectors_come_in_order_whatever_the_order_of_the_answer(server, base64):
    server.shuffled, server.knows_base64, server.max_inputs = True, base64, 32
    embedder = KoEmbeddingTransformer(name_of(server)).fit([])
    assert embedder.embedding_dim_ == 8
    texts = [*TEXTS, *TEXTS[:7], "짧다"]
    found = embedder.transform(texts)
    assert found == pytest.approx(expected(server, texts), abs=1e-6)
    assert max(len(one["body"]["input"]) for one in server.requests) <= 32
    assert sum(len(one["body"]["input"]) for one in server.answered) == 1 + 101  # one to learn the dimension


def test_what_is_in_the_cache_is_not_asked_again_tomorrow(server):
    name = name_of(server)
    first = KoEmbeddingTransformer(name).fit_transform(TEXTS)
    asked = len(server.requests)
    registry.clear()  # a new day
    before = encode_counts()
    again = KoEmbeddingTransformer(name, truncate_dim=4).fit(TEXTS)
    assert again.transform(TEXTS) == pytest.approx(first[:, :4] / np.linalg.norm(first[:, :4], axis=1)[:, None])
    with config_context(offline=True):
        assert (pickle.loads(pickle.dumps(again)).transform(TEXTS[:3]) == again.transform(TEXTS[:3])).all()
        with pytest.raises(ModelNotAvailableError, match="offline"):
            again.transform(["새 글"])
    assert len(server.requests) == asked
    assert (encode_counts() - before).texts_encoded == 0


def test_the_prompt_is_text_for_a_server_of_ones_own(server):
    found = KoEmbeddingTransformer(name_of(server), prompt="query: ").fit_transform(["가", ""])
    assert found == pytest.approx(expected(server, ["query: 가", "query: "]), abs=1e-6)


def test_limits_of_inputs_and_tokens_are_kept(server, monkeypatch):
    server.dimension = 1536
    texts = [f"{number} " + "가" * 2_000 for number in range(120)]
    assert sum(map(tokens_of, texts)) > 480_000 / 2
    server.max_tokens = 240_000  # of 300,000 bytes
    found = KoEmbeddingTransformer("openai:text-embedding-3-small").fit_transform(texts)
    assert found == pytest.approx(expected(server, texts, "text-embedding-3-small"), abs=1e-6)
    assert len(server.answered) >= 3
    assert {one["status"] for one in server.requests} == {200}
    usage = remote_usage()["openai:text-embedding-3-small"]
    assert usage.texts == 120
    assert usage.tokens == sum(map(tokens_of, texts))
    assert usage.usd == pytest.approx(usage.tokens * 0.02 / 1e6)
    with pytest.raises(ModelNotAvailableError, match=r"maximum context length is 8192"):
        KoEmbeddingTransformer("openai:text-embedding-3-small").fit_transform(["가" * 8_192])


def test_requests_go_out_together(server):
    server.max_inputs, server.seconds = 32, 0.1
    KoEmbeddingTransformer(name_of(server)).fit_transform([f"{number}" for number in range(640)])
    assert 4 <= server.most_at_once <= 8


def test_retry_after_is_kept(server):
    embedder = KoEmbeddingTransformer(name_of(server)).fit([])
    server.faults.append(("status", 429, {"Retry_After": "1"}))
    assert embedder.transform(TEXTS[:3]) == pytest.approx(expected(server, TEXTS[:3]), abs=1e-6)
    refused, answered = server.requests[-2:]
    assert (refused["status"], answered["status"]) == (429, 200)
    assert 1 <= answered["time"] - refused["time"] < 3


@pytest.mark.parametrize("fault", [("status", 503), ("status", 500), ("status", 408), ("cut",), ("slow", 1.0)])
def test_what_may_pass_is_tried_again(server, fault, monkeypatch):
    monkeypatch.setattr(remote_clients, "_TIMEOUT", 0.5)
    embedder = KoEmbeddingTransformer(name_of(server)).fit([])
    asked = len(server.requests)
    server.faults.append(fault)
    assert embedder.transform(TEXTS[:3]) == pytest.approx(expected(server, TEXTS[:3]), abs=1e-6)
    assert len(server.requests) == asked + 2


def test_a_service_that_stays_away_is_an_error_and_what_was_done_is_kept(server, monkeypatch):
    monkeypatch.setattr(remote_clients, "_RETRIES", 1)
    embedder = KoEmbeddingTransformer(name_of(server), batch_tokens=2_000).fit([])
    server.faults.extend([("none",), ("none",), *[("status", 503)] * 100])
    with pytest.raises(ModelNotAvailableError, match=r"status 503.*cache"):
        embedder.transform(TEXTS)
    server.faults.clear()
    asked = sum(len(one["body"]["input"]) for one in server.answered)
    embedder.transform(TEXTS)
    assert 1 < asked < 101
    assert sum(len(one["body"]["input"]) for one in server.answered) == 101


@pytest.mark.parametrize(
    ("fault", "message"), [("short", "2 vectors for 3 texts"), ("nan", "finite"), ("garbage", "gave no vectors")]
)
def test_nonsense_is_an_error(server, fault, message, monkeypatch):
    monkeypatch.setattr(remote_clients, "_RETRIES", 0)
    embedder = KoEmbeddingTransformer(name_of(server)).fit([])
    server.faults.append((fault,))
    with pytest.raises(ModelNotAvailableError, match=message):
        embedder.transform(TEXTS[:3])
    assert embedder.transform(TEXTS[:3]).shape == (3, 8)  # and nothing of it is in the cache


def test_another_model_behind_the_address_is_an_error(server):
    embedder = KoEmbeddingTransformer(name_of(server)).fit([])
    server.dimension = 5
    with pytest.raises(ModelNotAvailableError, match=r"\(2, 5\).*\(2, 8\)"):
        embedder.transform(["가", "나"])


@pytest.mark.parametrize("model", ["openai:text-embedding-3-large", "cohere:embed-multilingual-v3.0"])
def test_a_wrong_key_is_named_by_its_variable_and_never_shown(server, model, monkeypatch, caplog):
    if model.startswith("cohere"):
        pytest.importorskip("cohere")
    caplog.set_level(logging.DEBUG)
    secret = "sk-falsch-0987654321"
    service = find_service(model)
    monkeypatch.setenv(service.key_variable, secret)
    with pytest.raises(ModelNotAvailableError, match=rf"refused the key in {service.key_variable}") as caught:
        KoEmbeddingTransformer(model).fit_transform(["가"])
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(registry.__dict__)
    assert secret not in shown
    assert len(server.requests) == 1
    monkeypatch.delenv(service.key_variable)
    registry.clear()
    with pytest.raises(ModelNotAvailableError, match=service.key_variable):
        KoEmbeddingTransformer(model).fit_transform(["가"])


def test_cohere_is_told_the_input_type(server):
    pytest.importorskip("cohere")
    server.dimension = 1024
    model = "cohere:embed-multilingual-v3.0"
    found = KoEmbeddingTransformer(model, prompt="search_query").fit_transform(TEXTS)
    assert found == pytest.approx(expected(server, TEXTS, "embed-multilingual-v3.0", "search_query"), abs=1e-6)
    assert sorted(len(one["body"]["texts"]) for one in server.answered) == [4, 96]
    KoEmbeddingTransformer(model).fit_transform(["가"])
    assert server.requests[-1]["body"]["input_type"] == "clustering"
    with pytest.raises(ValueError, match="search_query"):
        KoEmbeddingTransformer(model, prompt="query: ").fit_transform(["나"])
    with pytest.warns(TruncationWarning, match="Cohere cut"):
        KoEmbeddingTransformer(model).fit_transform(["가" * 600])
    assert [one["body"]["truncate"] for one in server.requests[-2:]] == ["NONE", "END"]


@pytest.mark.parametrize("fault", [("status", 429, {"Retry_After": "1"}), ("status", 503), ("cut",)])
def test_cohere_is_tried_again(server, fault):
    pytest.importorskip("cohere")
    server.dimension = 1024
    server.faults.append(fault)
    KoEmbeddingTransformer("cohere:embed-multilingual-v3.0").fit_transform(TEXTS[:3])
    assert len(server.requests) == 2
    assert server.requests[1]["time"] - server.requests[0]["time"] >= 0.5


def test_cohere_that_forgets_a_text_is_an_error(server):
    pytest.importorskip("cohere")
    server.dimension = 1024
    server.faults.append(("short",))
    with pytest.raises(ModelNotAvailableError, match="2 vectors for 3 texts"):
        KoEmbeddingTransformer("cohere:embed-multilingual-v3.0").fit_transform(TEXTS[:3])


def test_upstage_has_a_model_for_each_side(server):
    server.dimension = 4096
    queries, corpus = {"q": "배송이 늦어요"}, {"d": "배송 안내", "e": "환불 안내"}
    report = evaluate_retrieval("Upstage Embedding", queries, corpus, {"q": ["d"]})
    assert report.system == "upstage:solar-embedding-1-large"
    asked = {one["body"]["model"]: one["body"]["input"] for one in server.requests}
    assert asked.keys() == {"solar-embedding-1-large-query", "solar-embedding-1-large-passage"}
    assert asked["solar-embedding-1-large-query"] == ["배송이 늦어요"]
    assert report.provenance["usage"]["tokens"] > 0
    assert report.provenance["usage"]["usd"] > 0
    evaluate_sts("Upstage Embedding", ["가", "나"], ["다", "라"], [0, 1])
    assert server.requests[-1]["body"]["model"] == "solar-embedding-1-large-passage"
    KoEmbeddingTransformer("upstage:solar-embedding-1-large-query").fit_transform(["바로"])
    assert server.requests[-1]["body"]["model"] == "solar-embedding-1-large-query"


def test_a_proxy_is_another_model_in_the_cache(server, monkeypatch):
    server.dimension = 1536
    embedder = KoEmbeddingTransformer("openai:text-embedding-3-small").fit([])
    with EmbeddingServer(dimension=1536) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.address}/v1")
        elsewhere = KoEmbeddingTransformer("openai:text-embedding-3-small").fit(["가"])
        assert elsewhere.model_fingerprint_ != embedder.model_fingerprint_


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda name: KoEmbeddingTransformer(name).fit_transform(["가", ""]), "1 of 2 are"),
        (lambda name: KoEmbeddingTransformer(name, max_length=128).fit_transform(["가"]), "counts tokens itself"),
        (lambda name: KoEmbeddingTransformer(name, dtype="float16").fit([]), "chooses backend"),
        (lambda name: KoEmbeddingTransformer(name, backend="openvino").fit([]), "chooses backend"),
        (lambda name: KoEmbeddingTransformer(ModelSpec(name, revision="v1")).fit([]), "chooses backend"),
        (lambda name: KoEmbeddingTransformer(name.partition("#")[0]).fit([]), "does not say which model"),
        (lambda name: KoEmbeddingTransformer(name.replace("//", "//me:pw@")).fit([]), "neither user"),
    ],
)
def test_what_a_service_cannot_do_is_said(server, call, message):
    with pytest.raises(ValueError, match=message):
        call(name_of(server))


def test_nobody_there(fresh_cache, monkeypatch):
    monkeypatch.setattr(remote_clients, "_RETRIES", 0)
    started = time.monotonic()
    with pytest.raises(ModelNotAvailableError, match=r"127\.0\.0\.1:9"):
        KoEmbeddingTransformer("http://127.0.0.1:9/v1#m").fit([])
    assert time.monotonic() - started < 30


def test_every_remote_preset_reaches_its_service(server):
    remote = [preset for preset in list_models() if preset.pooling == "service"]
    assert len(remote) == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for preset in remote:
            server.dimension = preset.dimension
            found = KoEmbeddingTransformer(preset.name, prompt=preset.query_prompt).fit_transform(["배송"])
            assert found.shape == (1, preset.dimension)
