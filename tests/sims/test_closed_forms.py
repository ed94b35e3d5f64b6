"""Every row of the main job's table has a closed form or a reason why not, whatever is asked for."""

import pytest

from sims.contrastive import closed_forms
from sims.contrastive.comparison import Row
from sims.contrastive.display import _without_theory
from sims.objectives import OBJECTIVES
from sims.training.config import ContrastiveConfig
from theory import PROMPTS, SpuriousModel
from theory.predictions import BATCH_FREE, Prediction

CONTRASTIVE = [name for name, objective in OBJECTIVES.items() if objective.contrastive]


def own_loss(images, texts):
    return -(images * texts).sum()


# Of these none takes long to compute.
UNKNOWN = {
    "narrow": ({"embed_dim": 1, "objective": CONTRASTIVE}, ["8 dimensions or more", "width 2 or more"]),
    "limited samples": ({"samples": 64, "objective": CONTRASTIVE}, ["fresh samples"]),
    "not linear": ({"image_encoder": "mlp", "objective": CONTRASTIVE[1:]}, ["linear encoders"]),
    "unequal classes": (
        {"model": SpuriousModel(class_prior=0.3), "objective": ["infonce", "siglip"]},
        ["equally frequent"],
    ),
    "one's own loss": ({"objective": [own_loss]}, ["none is known of this loss"]),
}


@pytest.mark.parametrize(("settings", "reasons"), UNKNOWN.values(), ids=UNKNOWN)
def test_every_row_has_a_closed_form_or_a_reason(settings, reasons):
    config = ContrastiveConfig(**settings)
    if config.architecture.linear:
        rows = [*closed_forms.batch_free(config)["predictions"], *closed_forms.of_batches(config)]
    else:
        rows = closed_forms.without(config)
    found = {(row["learner"], row["prompt"]): row for row in rows}
    for name, objective in config.learners.items():
        for prompt in PROMPTS if objective.contrastive else (None,):
            row = found[(name, prompt)]
            assert (row["accuracy"] is None) == isinstance(row["note"], str), (name, prompt)
            if config.architecture.linear:
                assert (row["accuracy"] is None) == (name not in BATCH_FREE)
    notes = {row["note"] for row in rows} - {None}
    assert all(any(reason in note for note in notes) for reason in reasons)


def test_the_table_names_the_prompt_where_only_one_is_unknown():
    known, nothing = {"aligned": 0.5}, {"aligned": 0.1}

    def row(learner, prompt, theory, note=None):
        return Row(learner, prompt, known, nothing, theory, note, None, True, 1)

    rows = [row("a", "label", known), row("a", "class-mean", None, "undecided"), row("b", None, None, "undecided")]
    assert _without_theory(rows) == {"undecided": ["a (class-mean)", "b"]}


def test_losses_on_batches_are_asked_at_the_configurations_batch(monkeypatch):
    """What S20 and S21 are asked for; their numbers are proved in tests/theorems, and take seconds."""
    asked = []

    def bilinear(model, embed_dim, prompts, learners, batch_size):
        asked.append((*learners, embed_dim, batch_size))
        return [Prediction(*learners, "latent", prompt, [1.0, 0.0], {"aligned": 0.5}) for prompt in prompts]

    def unit_length(model, name, batch_size):
        asked.append((name, batch_size))

    monkeypatch.setattr(closed_forms, "predict", bilinear)
    monkeypatch.setattr(closed_forms, "optimum", unit_length)
    rows = closed_forms.of_batches(ContrastiveConfig(batch_size=48))
    assert sorted(asked) == [("infonce", 48), ("infonce_bilinear", 8, 48), ("siglip", 48)]
    found = {(row["learner"], row["prompt"]): row["accuracy"] for row in rows}
    assert all(found["infonce_bilinear", prompt] == {"aligned": 0.5} for prompt in PROMPTS)
