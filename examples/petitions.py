"""
Topics of petitions over time
=============================

What did people ask the president of Korea for, from April to June 2019? 1,780 petitions, some of them pages long,
become topics with keywords, a map, and a curve by week. :func:`~skko.datasets.fetch_petitions` downloads them once:
6.8 MB from https://github.com/lovit/petitions_archive, under the licence KOGL type 1. Where this page has no output it
was built without them; ``python examples/petitions.py`` makes 40 topics of them, with 28 % in none.
"""

# %%
# The petitions
# -------------
#
# What a petition asks for stands in its title and its beginning.

from skko import KoTopicModel, datasets, make_topic_clusterer

petitions = datasets.fetch_petitions()
texts = (petitions["title"].str.strip() + ". " + petitions["content"].str.strip().str[:500]).tolist()
print(f"{len(texts):,} petitions in {petitions['category'].nunique()} categories, chosen by those who wrote them")

# %%
# Topics
# ------
#
# Categories such as 육아/교육 hold many affairs, and one affair is filed under several: topics are found without them.

clusterer = make_topic_clusterer("skko-mini", min_cluster_size=12, random_state=0)
model = KoTopicModel(clusterer, n_representatives=1).fit(texts)
print(f"{model.n_topics_} topics; {(model.labels_ < 0).mean():.0%} of the petitions are in none")
table = model.topics_.to_frame()
table[["topic", "size", "keywords"]]

# %%
# A petition that stands for each
# -------------------------------

for topic in model.topics_[:5]:
    print(f"{topic.name}: {topic.texts[0][:60]}")

# %%
# A map
# -----

from skko.plotting import TopicHierarchyDisplay, TopicMapDisplay, TopicTimelineDisplay

TopicMapDisplay.from_estimator(model, texts)

# %%
# Topics over time
# ----------------
#
# By the Monday of the week in which a petition began. Some affairs come and go within a fortnight, others stay. The
# National Assembly (국회 의원 국민) has 2 to 14 petitions a week, and 54 in that of April 29th, after its parties had
# come to blows over how to pass a law.

weeks = petitions["begin"].dt.to_period("W").dt.start_time
TopicTimelineDisplay.from_estimator(model, weeks, n_topics=6)

# %%
# By month, which is coarser, this is printed of the five largest:
#
# .. csv-table::
#    :header: topic, 2019-04, 2019-05, 2019-06
#
#    국회 의원 국민, 56, 68, 23
#    정규직 근로자 노동자, 25, 28, 23
#    학생 학교 교육, 20, 18, 38
#    분양 주택 조합원, 33, 23, 19
#    주민 발전소 마을, 24, 19, 32

by_month = model.topics_over(petitions["begin"].dt.strftime("%Y-%m")).pivot(
    index="topic", columns="value", values="count"
)
print(by_month.loc[0:4].rename(index=model.topics_.names()).to_csv())

# %%
# Which topics belong together
# ----------------------------

TopicHierarchyDisplay.from_estimator(model)

# %%
# Topics beside categories
# ------------------------
#
# How the petitions of the five largest topics were filed.

import pandas as pd

largest = pd.Series(model.labels_).isin(range(5)).to_numpy()
names = [topic.name for topic in model.topics_]
pd.crosstab(
    petitions.loc[largest, "category"].rename("category"),
    pd.Series(model.labels_[largest], index=petitions.index[largest]).map(lambda topic: names[topic]).rename("topic"),
)
