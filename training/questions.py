"""How questions are worded: what people put behind a subject, and what says nothing about it."""

_ASPECTS = (
    "뜻 의미 정의 개념 이유 원인 목적 목표 배경 계기 특징 특성 성격 역할 기능 방법 방식 절차 과정 단계 조건 기준 "
    "자격 대상 종류 유형 예 예시 장점 단점 차이 차이점 공통점 영향 효과 결과 성과 현황 규모 수준 비율 금액 역사 "
    "유래 구조 원리 구성 내용 문제 문제점 대책 방안 전망 평가 줄거리"
).split()
_OF_ASPECTS = (
    "{topic} 무엇인가요?",
    "{topic} 무엇인가?",
    "{topic} 무엇입니까?",
    "{topic} 뭐야?",
    "{topic} 어떻게 되나요?",
    "{topic} 어떠한가요?",
    "{subject} 뭔가요?",
    "{subject} 무엇인지 알려 줘",
    "{subject} 궁금합니다",
    "{object} 알려 주세요",
    "{object} 설명해 주세요",
    "{object} 알고 싶어요",
    "에는 어떤 것이 있나요?",
    "에 대해 설명해 줘",
)
_OF_SUBJECTS = (
    "에 대해 알려 줘",
    "에 대해 알려 주세요",
    "에 대해 설명해 주세요",
    "에 대해서 알고 싶습니다",
    "에 대한 정보를 찾아 줘",
    "에 관한 자료가 있나요?",
    "에 관해 설명하시오",
    "란 무엇인가요?",
    "이란 무엇인가?",
    "은 무엇을 하나요?",
    "는 무엇을 위한 것인가요?",
    "이 뭔지 알려 줘",
    "가 뭐야?",
    "은 누구인가요?",
    "는 누가 만들었나요?",
    "는 어디에 있나요?",
    "은 어디에서 열리나요?",
    "은 언제 시작했나요?",
    "는 언제까지인가요?",
    "은 왜 생겼나요?",
    "는 왜 중요한가요?",
    "은 어떻게 만들어지나요?",
    "는 어떻게 이루어지나요?",
    "을 하려면 어떻게 해야 하나요?",
    "를 위해서 무엇을 해야 합니까?",
    "은 얼마인가요?",
    "는 모두 몇 개인가요?",
    "에는 어떤 것이 있나요?",
    "에서 가장 큰 것은 무엇인가요?",
    "을 요약해 줘",
    "를 소개해 주세요",
    "을 검색해 줘",
    "이 궁금해",
)

HELD_OUT = (
    "에 관해서 자세히 말해 줄래?",
    "의 의의와 한계는 어떤 것들인가요?",
    "에서 쓰이는 주된 요소에는 무엇이 있습니까?",
    "와 관련해 언급된 사례를 들어 주세요",
    "을 둘러싼 쟁점은 무엇이었나?",
    "은 어느 시기에 나타났는가?",
    "를 담당하는 곳은 어디라고 하나요?",
    "에 대하여 옳은 서술을 고르면?",
    "이 필요한 까닭은 무엇이라고 합니까?",
    "의 개요를 간추려 볼래?",
)
"""Wordings for development, which no training sees."""


def wordings() -> list[str]:
    """List what training puts behind titles and sentences, so that they ask.

    Returns
    -------
    list of str
        Ends of questions: particles, aspects of a subject, question words, verbs of asking.
    """
    asked = [f"의 {aspect}{ending.format(**_particles(aspect))}" for aspect in _ASPECTS for ending in _OF_ASPECTS]
    return [*_OF_SUBJECTS, *asked]


def _particles(word: str) -> dict[str, str]:
    """Particles as they follow a final consonant, or a vowel."""
    closed = (ord(word[-1]) - ord("가")) % 28 > 0
    return dict(zip(("topic", "subject", "object"), "은이을" if closed else "는가를", strict=True))
