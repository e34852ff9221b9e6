"""Negation: what 안, 못 and 지 않다 turn round becomes a feature of its own."""

import pytest

from skko import KoMorphemeVectorizer, datasets, make_text_classifier
from skko.text import analyse, tokenise
from skko.text.negation import MARK, find_negated


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("안 좋아요", "좋"),
        ("안좋아요", "좋"),
        ("못 먹겠어요", "먹"),
        ("별로 안 추천해요", "추천 하"),
        ("잘 안 닦이는 것 같아요", "닦이"),
        ("좋지 않아요", "좋"),
        ("좋진 않네요", "좋"),
        ("좋지가 않네요", "좋"),
        ("불편하지는 않습니다", "불편 하"),
        ("믿지 못하겠어요", "믿"),
        ("먹어보지 못했어요", "먹 보"),
        ("사고 싶지 않아요", "사 싶"),
        ("걱정하지 마세요", "걱정 하"),
        ("좋지도 나쁘지도 않다", "나쁘"),
        # Twice is not at all.
        ("안 이쁘지 않다", ""),
        # These only look like it.
        ("못생겼어요", ""),
        ("잘못했어요", ""),
        ("집 안 청소", ""),
        ("말을 하다", ""),
        ("안", ""),
        ("않", ""),
        ("", ""),
    ],
)
def test_what_is_negated(text, negated):
    (morphemes,) = analyse([text])
    pairs = zip(morphemes, find_negated(morphemes), strict=True)
    found = [morpheme.form for morpheme, is_negated in pairs if is_negated]
    assert found == negated.split()


def test_marks_are_only_on_what_is_negated():
    texts = [*datasets.load_inquiries().texts, "안 좋아요", "배송이 빠르지 않네요"]
    plain, marked = (tokenise(texts, mark_negation=mark) for mark in (False, True))
    assert [[form.removeprefix(MARK) for form in text] for text in marked] == plain
    expected = [any(find_negated(text)) for text in analyse(texts)]
    content = [[form.startswith(MARK) for form in text] for text in marked]
    assert 0 < sum(expected) < len(texts)
    assert all(is_negated or not any(text) for text, is_negated in zip(content, expected, strict=True))
    assert marked[-2:] == [["안", "¬좋"], ["배송", "¬빠르"]]


def test_a_vectoriser_tells_them_apart():
    texts = ["좋아요", "좋지 않아요", "안 좋아요"]
    assert KoMorphemeVectorizer().fit(texts).get_feature_names_out().tolist() == ["안", "좋"]
    marked = KoMorphemeVectorizer(mark_negation=True)
    features = marked.fit_transform(texts).toarray()
    assert marked.get_feature_names_out().tolist() == ["¬좋", "안", "좋"]
    assert features[0] @ features[1] == 0 < features[1] @ features[2]


def test_a_classifier_reads_opinions_with_it():
    pipeline = make_text_classifier("skko-mini").fit(["좋아요", "최고예요", "별로예요", "나빠요"], [1, 1, 0, 0])
    names = pipeline["features"]["morphemes"].fit(["안 좋아요"]).get_feature_names_out()
    assert "¬좋" in names
