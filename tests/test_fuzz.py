"""Texts nobody thought of, through every door that takes texts.

``make fuzz`` runs the same with thousands of random texts; here they are few, and the same each time.
"""

import io
import os
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from skko import (
    KoEmbeddingTransformer,
    KoMorphemeVectorizer,
    KoSemanticSearch,
    KoTextNormalizer,
    KoTopicModel,
    KoZeroShotClassifier,
    make_paraphrase_miner,
    make_text_classifier,
    make_topic_clusterer,
)
from skko.cli.main import main
from skko.datasets import load_inquiries, load_texts, stream_texts
from skko.exceptions import DataFileError, TruncationWarning
from skko.paraphrase import deduplicate

N_EXAMPLES = int(os.environ.get("SKKO_FUZZ_EXAMPLES", "25"))
fuzz = settings(
    max_examples=N_EXAMPLES,
    derandomize="SKKO_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
INQUIRIES = load_inquiries()

HANGUL = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
JAMO = st.characters(min_codepoint=0x1100, max_codepoint=0x11FF) | st.characters(
    min_codepoint=0x3131, max_codepoint=0x318E
)
CONTROLS = list("\x00\ufeff\u200b\u200d\u202e\u0301\u3164\u2028\x85\t\r\n\U0010ffff\ue000")
STRANGE = st.sampled_from(
    [*CONTROLS, "👨\u200d👩\u200d👧", "🇰🇷", "ㅋ" * 50, "가" * 300, "&nbsp;", "<s>", "[CLS]", "1e999"]
)
UNPAIRED = st.sampled_from(["\ud83d", "\udc4d", "\udfff"])
ANY_TEXT = st.lists(HANGUL | JAMO | STRANGE | st.characters() | UNPAIRED, max_size=30).map("".join)
ANY_TEXTS = st.lists(ANY_TEXT, min_size=1, max_size=12)
CLEAN_TEXTS = st.lists(
    st.lists(HANGUL | JAMO | STRANGE | st.characters(), max_size=30).map("".join), min_size=1, max_size=12
)


def refused_or(call, texts):
    """What comes out, or None where the texts were refused with a message that says why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(texts)
    except (ValueError, TypeError):
        # Of half a surrogate pair no encoding knows; all else is a text, however strange.
        if any(0xD800 <= ord(letter) <= 0xDFFF for text in texts for letter in text):
            return None
        raise


@fuzz
@given(ANY_TEXTS)
@example([""])
@example(["\ud83d"])
def test_normalizer(texts):
    found = refused_or(KoTextNormalizer().fit_transform, texts)
    if found is not None:
        assert len(found) == len(texts)
        assert list(KoTextNormalizer().fit_transform(found)) == list(found)


@fuzz
@given(ANY_TEXTS)
@example([""])
@example(["\x00"])
@example(["\ud83d", "가"])
def test_vectors_are_of_unit_length_and_of_the_text_alone(texts):
    embedder = KoEmbeddingTransformer("skko-mini", cache=False)
    vectors = refused_or(embedder.fit_transform, texts)
    if vectors is not None:
        assert vectors.shape == (len(texts), 256)
        norms = np.linalg.norm(vectors, axis=1)
        assert np.all((np.abs(norms - 1) < 1e-4) | (norms == 0))
        np.testing.assert_allclose(embedder.transform(texts[::-1])[::-1], vectors, atol=1e-5)


@fuzz
@given(CLEAN_TEXTS)
@example(["", "\x00"])
def test_vectors_of_a_transformer(tiny_a, texts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        vectors = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(texts)
    assert vectors.shape == (len(texts), 48)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


@fuzz
@given(ANY_TEXTS)
@example([""])
def test_morphemes(texts):
    def count(texts):
        return KoMorphemeVectorizer().fit([*texts, "배송이 늦어요"]).transform(texts)

    found = refused_or(count, texts)
    if found is not None:
        assert found.shape[0] == len(texts)
        assert np.isfinite(found.data).all()


@pytest.fixture(scope="module")
def classifier():
    return make_text_classifier("skko-mini").fit(INQUIRIES.texts, INQUIRIES.topics)


@fuzz
@given(ANY_TEXTS)
@example([""])
def test_classifier(classifier, texts):
    shares = refused_or(classifier.predict_proba, texts)
    if shares is not None:
        assert shares.shape == (len(texts), 8)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        assert classifier.predict(texts).tolist() == classifier.classes_[shares.argmax(axis=1)].tolist()


@fuzz
@given(ANY_TEXTS)
def test_zero_shot(texts):
    found = refused_or(
        KoZeroShotClassifier(["배송", "환불"], embedder="skko-mini", threshold=None).fit().predict, texts
    )
    assert found is None or set(found) <= {"배송", "환불"}


@pytest.fixture(scope="module")
def topics():
    clusterer = make_topic_clusterer("skko-mini", min_cluster_size=12, random_state=0)
    return KoTopicModel(clusterer).fit(INQUIRIES.texts)


@fuzz
@given(ANY_TEXTS)
@example([""])
def test_topics(topics, texts):
    found = refused_or(topics.predict, texts)
    if found is not None:
        assert set(found.tolist()) <= {-1, *range(topics.n_topics_)}


@fuzz
@given(ANY_TEXTS)
@example(["", ""])
@example(["\u200b"])
def test_paraphrases(texts):
    groups = refused_or(make_paraphrase_miner("skko-mini", threshold=0.9).fit_predict, texts)
    if groups is not None:
        assert len(groups) == len(texts)
        for text in set(texts):
            same = {int(group) for group, other in zip(groups, texts, strict=True) if other == text}
            assert len(same) == 1 or same == {-1}
    kept = refused_or(lambda texts: deduplicate(texts, threshold=0.9, model="skko-mini"), texts)
    if kept is not None:
        assert set(kept.texts) <= set(texts)
        assert len(set(kept.texts)) == len(kept.texts)


@fuzz
@given(ANY_TEXTS, ANY_TEXT)
@example(["가"], "")
@example([""], "가")
@example(["\x00"], "\x00")
def test_search(texts, query):
    def ask(texts):
        search = KoSemanticSearch("skko-mini", show_progress=False).fit(texts[:-1])
        hits = search.search([texts[-1]], top_k=3)[0]
        for hit in hits:
            search.explain(texts[-1], hit.id)
        return hits

    hits = refused_or(ask, [*texts, query])
    if hits is not None:
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert all(np.isfinite(scores))
        assert all(texts[hit.row][slice(*hit.span)] == hit.passage for hit in hits)


FILES = st.binary(max_size=200) | ANY_TEXTS.map(lambda texts: "\n".join(texts).encode("utf-8", "surrogatepass"))


@fuzz
@given(FILES, st.sampled_from(["csv", "tsv", "txt", "jsonl", "parquet"]), st.booleans())
@example(b'"', "csv", True)
@example(b"\xff\xfe", "csv", True)
@example(b"\xef\xbb\xbf", "txt", True)
@example(b"[1]\n[2, 3]", "jsonl", True)
@example(b'{"a": NaN}', "jsonl", True)
@example(b"PAR1PAR1", "parquet", True)
def test_a_file_is_read_or_refused_in_one_way_by_both_readers(tmp_path_factory, content, kind, header):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path_factory.mktemp("fuzz") / f"글.{kind}"
    path.write_bytes(content)
    found = []
    for read in (lambda: load_texts(path, text=0, header=header, missing="drop").texts, lambda: streamed(path, header)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(read())
        except DataFileError:
            found.append(None)
    assert found[0] == found[1] or (not found[0] and not found[1])


def streamed(path, header):
    return [text for block in stream_texts(path, text=0, header=header, missing="drop") for text in block.texts]


@fuzz
@given(FILES)
@example(b"\xed\xa0\xbd")
def test_the_command_line_ends_with_a_code_and_one_line(content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        patch.setattr(sys, "stdout", io.StringIO())
        patch.setattr(sys, "stderr", errors := io.StringIO())
        code = main(["search", "-", "--query", "배송", "--json"])
    lines = errors.getvalue().splitlines()
    assert code in (0, 1)
    assert all(line.startswith("skko: ") for line in lines), lines
    assert len(lines) >= code
