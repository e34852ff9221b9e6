"""Korean words that say nothing about what a text is about."""

# Nouns and stems that Kiwi tags as content but that carry structure: dependent nouns used as nouns, light verbs,
# pronoun-like nouns. Endings and josa need no list: they are separate morphemes and never counted as content.
KOREAN_STOP_WORDS = frozenset(
    """
    가운데 가지 각각 겁니다 것 경우 곳 관련 그거 그것 그동안 그때 그런 그렇 그리고 나름 내용 너무
    누구 다른 다시 대부분 대하 대해 더 덕분 동안 되 되어 듯 등 따르 따른 때 때문 또 또한 만큼
    많 말 매우 모두 무엇 뭐 바 받 방금 보 부분 분 사실 상황 서로 수 스스로 시키 쓰 아니 아무
    아주 안 않 알 약간 어디 어떤 어떻 어떻게 언제 얼마 없 여기 여러 예전 오 와 왜 우리 위하
    위해 유 의하 이거 이것 이곳 이때 이런 이렇 이번 이상 이유 이후 인하 일 일부 있 자기 자신 잘
    저 저거 저것 저희 전 전체 정도 정말 제 조금 좀 주 줄 중 지금 지나 진짜 쪽 처럼 크 통하
    통해 편 하 하나 한 해당 후
    """.split()
)
