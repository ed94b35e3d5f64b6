# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The paper's question in five minutes
#
# Images show a class and a background. In training the background agrees with the label in 90% of the images. Does CLIP's
# objective then lean on the background less than supervised training on the same images? The paper says no. Here you ask
# its own synthetic model.
#
# First without training. `theory` computes what each objective learns from infinite data.

# %%
import functools
import textwrap

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import sims
import theory

model = theory.SpuriousModel(spurious_ratio=0.9)
learners = ("infonce_bilinear", "linearized", "logistic")
frame = theory.predict(model, learners=learners).to_frame()
table = frame.set_index(["learner", "prompt"])[["aligned", "conflicting"]]
print((100 * table).round(1))

# %% [markdown]
# `infonce_bilinear` is CLIP's loss on plain inner products, `linearized` the loss of the paper's theorem. Look at the column
# `conflicting`: images whose background contradicts the label ([the words](../glossary.md)). Logistic regression has no prompt.
# The contrastive learners have two rows. With the `label` prompt, which names only the class, all are
# right more often than logistic regression. With the `class-mean` prompt, the average caption of the class, all are right
# less often. So the answer depends on how the classes are asked for.
#
# Does it depend on the ratio, too? `theory.accuracy` is a pure function, so `jax.vmap` draws a curve.

# %% alt="Accuracy on conflicting images against the spurious ratio. InfoNCE rises with the label prompt and falls to 0 with the class-mean prompt; logistic regression lies between."
ratios = jnp.linspace(0.5, 0.99, 12)


def conflicting(ratio, learner, prompt):
    changed = model.replace(spurious_ratio=ratio)
    return theory.accuracy(changed, learner, prompt=prompt).conflicting


fig, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for learner, prompt, style in (
    ("infonce_bilinear", "label", "C0-"),
    ("infonce_bilinear", "class-mean", "C0--"),
    ("linearized", "label", "C1-"),
    ("linearized", "class-mean", "C1--"),
    ("logistic", "label", "k:"),
):
    curve = jax.vmap(functools.partial(conflicting, learner=learner, prompt=prompt))(ratios)
    label = learner if learner == "logistic" else f"{learner}, {prompt}"
    ax.plot(ratios, 100 * curve, style, label=label)
ax.set_xlabel("spurious ratio")
ax.set_ylabel("% right on conflicting images")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# At a ratio of 0.5 the background says nothing, and both prompts are
# the same. The label prompt's curve rises with the ratio: this learner leans *against* the background. That has its price on
# aligned images, as the first table shows.
#
# Now train: four runs of each, on fresh images at every step. `infonce` is CLIP's own loss, on embeddings of unit length.
# Diamonds are closed forms.

# %% alt="Accuracy of each trained learner in each group with 95% intervals, and closed forms as diamonds, which lie on the points."
result = sims.train(model, objectives=("infonce", "linearized"), seeds=4)
result.plot()

# %%
for sentence in result.verdict["text"]:
    print(textwrap.fill(sentence, 84, subsequent_indent="    "))

# %% [markdown]
# That is the paper's question, in the paper's model. Two things to do next: put [a loss of your own](own_loss.md) in the place of
# `"infonce"`, or read [what was found](../findings.md) on images of digits and on the published photos.
