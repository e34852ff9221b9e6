"""The model card, written beside the weights."""

from pathlib import Path

_CARD = """\
---
language: ko
license: cc-by-sa-4.0
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, static-embedding, korean]
---

# skko-mini

A small, fast sentence-embedding model for Korean: 50,000 subword vectors of 256 dimensions, averaged and normalised.
It ships inside the wheel of skko and loads as a plain sentence-transformers directory, without any code of skko:

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/mini", device="cpu")
vectors = model.encode(["오늘 날씨가 좋다", "날씨가 맑네요"])  # float32 (2, 256), unit length
```

Weights are float16 in the file and float32 in memory (sentence-transformers 6.2; 6.0 and 6.1 keep float16: call
`model.float()` there, or an empty text becomes NaN). A text without a token (empty, or only white space) gives zeros.

## Method

1. The vectors of 70,488 morphemes are recovered from the cosines that Kiwi 0.24's language model (CoNg) gives out.
2. Smooth-inverse-frequency weights, centring and removal of 4 leading components make a sentence embedding of
   content morphemes.
3. It is tuned on about 160,000 public pairs with the multiple-negatives ranking loss, and blended with its
   untuned self.
4. A Unigram subword table is distilled from it on about 500,000 public texts, with the ranking loss as a second
   term.

`training/build_mini.py` in skko's repository does all of it in one command on two CPU cores.

## Scores

`python -m training.evaluate --model skko/models/mini --data DIR`; speed on 2 cores shared with other work.

{scores}

AutoRAG was never trained or tuned on. The other scores chose settings of the training (blend, loss weights), so they
are slightly flattering. KorSTS dev is in-domain: pairs of its training split are among the training pairs. No text of
a development set is among the training texts or pairs, wherever else it may stand.

## Training data

| set | used as | licence |
| --- | --- | --- |
| Korean Wikipedia, 2022 (9 of 10 articles: ids not ending in 0) | pairs, texts | CC BY-SA 3.0 |
| KorNLU: KorSTS train, XNLI-ko dev | pairs, texts | CC BY-SA 4.0 |
| ParaKQC (groups 0-799), StyleKQC (train) | pairs, texts | CC BY-SA 4.0 |
| SAE4K | pairs, texts | CC BY-SA 4.0 |
| 3i4K, YNAT headlines without labels (all but the last 5,000) | texts | CC BY-SA 4.0 |
| Question_pair, Chatbot_data (songys) | pairs, texts | MIT |
| Petitions to the president, April to June 2019 | pairs, texts | KOGL type 1 |
| NSMC raw reviews without ratings (one in ten) | texts | CC0 |

## Limits

- A mean of subword vectors knows no word order: negation, who did what to whom, and questions against statements
  barely move a vector. Sentiment is weak.
- It follows words. Synonyms that no training text joined are far apart, and rare names are spelled in fragments.
- Long texts blur: cut documents into passages. There is no length limit.
- Latin letters are lower-cased. Characters without a piece are spelled in bytes, which say little.
- ParaKQC shares items with the dev set of KLUE-STS, which is therefore no clean test of this model.
- Korean only. The texts are mostly encyclopaedic, news and everyday requests of 2016 to 2022, with their biases.

## Licence

CC BY-SA 4.0. The vectors derive from the language model of Kiwi (kiwipiepy_model, Apache-2.0, by bab2min) and were
trained on the CC BY-SA sets named above, among others.
"""


def write_card(out: Path, scores: str) -> None:
    """Write the model's README.

    Parameters
    ----------
    out : Path
        The model's folder.
    scores : str
        Table of scores in Markdown.
    """
    (out / "README.md").write_text(_CARD.replace("{scores}", scores), encoding="utf-8")
