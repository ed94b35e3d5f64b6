# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # From predictions to claims
#
# You have scores of a model, from whatever framework, for photos on common and on counter backgrounds. What may you claim? Here both
# are **made up**, so that you know the answer and need no download: ten classes of CounterAnimal, grey squares in place of
# photos, and the scores of two invented models. With real photos and a real model everything from `realdata.evaluate` on is
# the same.

# %%
# %matplotlib inline
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import realdata

CLASSES = (
    "9 ostrich, 16 bulbul, 34 leatherback turtle, 37 box turtle, 99 goose, "
    "105 koala, 144 pelican, 296 polar bear, 340 zebra, 354 Arabian camel"
)
GROUPS = ("common-usual", "counter-unusual")
folders = itertools.product(CLASSES.split(", "), GROUPS, range(40))
photos = [f"{name}/{group}/{number}.png" for name, group, number in folders]
for photo in photos:
    path = Path("photos", photo)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "grey").save(path)

# %% [markdown]
# Both invented models see the animal equally well. A counter background takes 0.8 off the own class's score in model A, 0.3 in
# model B. So A leans on the background more, and a good evaluation should find that.

# %%
random = np.random.default_rng(0)
own = np.array([int(photo.split()[0]) for photo in photos])
counter = np.array(["counter" in photo for photo in photos])


def invented(lean: float) -> np.ndarray:
    scores = random.normal(size=(len(photos), 1000))
    scores[np.arange(len(photos)), own] += 4.3 - lean * counter
    return scores


for name, lean in (("a", 0.8), ("b", 0.3)):
    content = {"paths": photos, "scores": invented(lean)}
    np.savez(f"{name}.npz", **content, candidates=np.arange(1000))

# %% [markdown]
# ## One model
#
# `realdata.evaluate` gives each accuracy two intervals. The first says what other photos of these classes would give. The
# second, `interval_over_classes`, says what other classes would give as well. Claim "on CounterAnimal" with the first, "on animals"
# with the second.

# %%
evaluations = {name: realdata.evaluate("photos", scores=Path(f"{name}.npz"), out=name) for name in ("a", "b")}
table = {}
for name, evaluation in evaluations.items():
    groups, drop = evaluation.summary["groups"], evaluation.summary["drop"]
    table[name] = {
        "common": groups["common"]["accuracy"],
        "counter": groups["counter"]["accuracy"],
        "drop": drop["value"],
        "drop, other photos": drop["interval"],
        "drop, other classes": drop["interval_over_classes"],
    }
print(pd.DataFrame(table).map(lambda value: np.round(value, 1).tolist()))
print(evaluations["a"].summary["effective_robustness"]["reason"])

# %% [markdown]
# **"The model loses accuracy on counter backgrounds."** You may say so if the interval of `drop` is above 0. That is a statement about
# these photos. Who chose the photos, and by which model's failures, is another matter: see
# [how much of a drop the choice makes](../evaluate.md#how-much-of-a-drop-the-choice-of-photos-makes).
#
# **"It is less robust than ImageNet models."** A weaker model loses more, whatever it leans on. So compare at equal accuracy on common
# photos: that is [effective robustness](../glossary.md#robustness). The published ImageNet models saw all of CounterAnimal. So there is
# a value for all of its classes only, and the last line says so. On other photos you need other models' predictions on them.

# %% alt="Accuracy of model A on common and on counter photos with intervals, and for each of the ten classes."
evaluations["a"].plot()

# %% [markdown]
# ## Two models
#
# **"A drops more than B."** Two intervals that overlap do not decide this. The models saw the same photos, so compare photo by photo:

# %% language="bash"
# python -m realdata.compare a b

# %% [markdown]
# The difference of the drops has an interval of its own. Here it is above 0: the claim holds for these photos. The last columns say
# how many photos only one of the two got right.
#
# ## The paper's claims
#
# A claim about *CLIPs* and *ImageNet models* is about families, and needs many models. Models that share their data or
# their architecture are not independent, which makes intervals wider than they look. The package asks the paper's claims so of the
# published measurements:

# %% language="bash"
# python -m realdata.claims | head -18

# %% [markdown]
# `python -m realdata.claims --with DIR` adds a model that `realdata.evaluate` ran itself
# ([how](../evaluate.md)). [How the claims are tested](../claims.md) says what each column means.
