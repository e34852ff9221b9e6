"""Find topics with keywords, place new texts in them, and mine paraphrases."""

from skko import datasets, make_paraphrase_miner, make_topic_clusterer
from skko.clustering import topic_keywords
from skko.metrics import pair_scores

inquiries = datasets.load_inquiries()

clusterer = make_topic_clusterer("skko-mini", min_cluster_size=12, random_state=0)
labels = clusterer.fit_predict(inquiries.texts)
for topic in topic_keywords(inquiries.texts, labels):
    print(f"{topic.size:>4}  {' '.join(topic.keywords)}")
print("앱이 자꾸 꺼져요 ->", clusterer.predict(["앱이 자꾸 꺼져요"])[0])

pairs = make_paraphrase_miner("skko-mini", threshold=0.7).fit(inquiries.texts)["mine"].pairs_
for pair in pairs[:5]:
    print(f"{pair['score']:.2f}  {inquiries.texts[pair['i']]}  =  {inquiries.texts[pair['j']]}")
print(pair_scores(pairs, inquiries.groups))
