# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Is my loss more robust?
#
# A loss is a function of the embeddings of a batch's images and texts, each of unit length. It may also take `labels` and CLIP's
# trained `scale`. Here it is InfoNCE with one change: pairs of the same class are no negatives of each other.

# %%
import textwrap

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import sims
import theory


def same_class_ignored(images, texts, labels, scale):
    scores = scale * images @ texts.T
    own = jnp.eye(len(labels), dtype=bool)
    same_class = labels[:, None] == labels[None, :]
    kept = jnp.where(same_class & ~own, -jnp.inf, scores)
    image_to_text = jax.nn.log_softmax(kept, axis=1).diagonal()
    text_to_image = jax.nn.log_softmax(kept, axis=0).diagonal()
    return -(image_to_text + text_to_image).mean() / 2


# %% [markdown]
# Train it beside CLIP's loss, on the same images. Supervised learners are trained in any case, since robustness is a comparison.

# %%
model = theory.SpuriousModel(spurious_ratio=0.9)
result = sims.train(model, objectives=("infonce", same_class_ignored), seeds=4)
frame = result.to_frame()
frame = frame[frame.group.isin(["aligned", "conflicting"])]
table = frame.pivot(index=["objective", "prompt"], columns="group", values="mean")
print((100 * table).round(1))

# %% [markdown]
# The verdict compares run by run and corrects for the number of comparisons. It names each learner and prompt.

# %%
for sentence in result.verdict["text"]:
    print(textwrap.fill(sentence, 84, subsequent_indent="    "))

# %% [markdown]
# One ratio is one point. A sweep asks at several, and its result has named axes.

# %% alt="Accuracy on conflicting images, label prompt, against the spurious ratio: InfoNCE rises, the loss above falls a little, logistic regression falls far."
swept = sims.sweep(
    model,
    {"spurious_ratio": [0.5, 0.7, 0.8, 0.9, 0.95], "steps": 400},
    objectives=("infonce", same_class_ignored, "logistic"),
    prompts=("label",),
    seeds=4,
)
accuracy = 100 * swept.to_xarray().accuracy.sel(group="conflicting", prompt="label")
fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for name in accuracy.objective.values:
    runs = accuracy.sel(objective=name)
    error = runs.std("seed", ddof=1) / runs.seed.size**0.5
    ax.errorbar(runs.spurious_ratio, runs.mean("seed"), 2 * error, capsize=3, label=name)
ax.set_xlabel("spurious ratio")
ax.set_ylabel("% right on conflicting images")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# Bars are two standard errors over four runs. Before you believe a difference, look at three things: the standard errors
# (`result.accuracy(NAME, prompt=...)`), whether the learners have converged (`converged` in `result.to_frame()`), and the group that is
# *not* asked about. A loss that leans against the background is robust on conflicting images and pays on aligned ones. The new
# loss is less often right on conflicting images than InfoNCE, and more often in its worse group.
#
# All axes of a sweep, and the command line: [how to use the programs](../use.md).
