"""
Topics of what people write
===========================

What do 566 inquiries talk about? Their vectors are reduced, groups of dense vectors become topics, and each topic gets
keywords: morphemes without josa, so that 배송이 and 배송은 are one word.
"""

# %%
# Find the topics
# ---------------
#
# ``min_cluster_size`` is the parameter that matters: the fewest texts that make a topic. Texts that belong to none have
# the label -1.

from skko import KoTopicModel, datasets, make_topic_clusterer

inquiries = datasets.load_inquiries()
clusterer = make_topic_clusterer("skko-mini", min_cluster_size=12, random_state=0)
model = KoTopicModel(clusterer).fit(inquiries.texts)
print(f"{model.n_topics_} topics; {(model.labels_ < 0).mean():.0%} of the texts are in none")
model.topics_.to_frame()[["topic", "size", "keywords"]]

# %%
# A map
# -----
#
# Each point is a text, near to those that mean something similar. ``save_html`` writes the same map as a page that
# shows the text under the pointer.

from skko.plotting import TopicHierarchyDisplay, TopicKeywordsDisplay, TopicMapDisplay, TopicTimelineDisplay

TopicMapDisplay.from_estimator(model, inquiries.texts)

# %%
# What each topic is about
# ------------------------

TopicKeywordsDisplay.from_estimator(model)

# %%
# Topics by a column
# ------------------
#
# With a date this is a timeline; with any other column it shows who writes about what. Here it is the urgency.

TopicTimelineDisplay.from_estimator(model, inquiries.urgency, n_topics=5)

# %%
# Fewer topics
# ------------
#
# Topics that share words can be joined, by hand or until so many are left. The model itself stays as it was.

TopicHierarchyDisplay.from_estimator(model)
fewer = model.merge_topics(max(2, model.n_topics_ - 3))
print([topic.name for topic in fewer.topics_])

# %%
# New texts, and those without a topic
# ------------------------------------

print("앱이 자꾸 꺼져요 ->", model.predict(["앱이 자꾸 꺼져요"])[0])
settled = model.reduce_outliers(inquiries.texts)
print(f"texts without a topic: {(model.labels_ < 0).sum()}, after reduce_outliers {(settled.labels_ < 0).sum()}")
