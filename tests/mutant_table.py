"""Planted faults: each a plausible mistake in one line of the product, and the default tests that must see it."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A fault.

    Attributes:
        fault: what is wrong, in a few words.
        file: where, from the root of the checkout.
        line: the right line, without its indentation; it stands once in the file.
        becomes: the wrong one.
        tests: files or node ids of the tests that concern it.
    """

    fault: str
    file: str
    line: str
    becomes: str
    tests: tuple[str, ...]


S = "tests/theorems/test_s"
DIGITS = "tests/sims/colored_digits/test_"

MUTANTS = (
    # theory
    Mutant(
        "aligned and conflicting are exchanged",
        "theory/group_accuracy.py",
        "aligned, conflicting = accuracy[0], accuracy[1]",
        "aligned, conflicting = accuracy[1], accuracy[0]",
        (f"{S}4_group_accuracy.py",),
    ),
    Mutant(
        "the image noise outside the plane is forgotten",
        "theory/group_accuracy.py",
        "squared_norm = jnp.sum(direction**2) + residual_norm**2",
        "squared_norm = jnp.sum(direction**2)",
        (f"{S}4_group_accuracy.py",),
    ),
    Mutant(
        "the covariance is not centred by the classes' frequency",
        "theory/population.py",
        "label_variance = 1.0 - model.label_mean**2",
        "label_variance = 1.0 - 0.0 * model.label_mean**2",
        (f"{S}2_population.py",),
    ),
    Mutant(
        "noise of the captions in place of the images'",
        "theory/least_squares.py",
        "second_moment = latent_covariance(balanced) + model.image_noise_variance * jnp.eye(2)",
        "second_moment = latent_covariance(balanced) + model.text_noise_variance * jnp.eye(2)",
        (f"{S}5_least_squares.py",),
    ),
    Mutant(
        "the prompt on the wrong side of the covariance",
        "theory/zero_shot.py",
        "return linearized_minimiser(latent_covariance(model), embed_dim) @ latent_prompt(model, prompt)",
        "return latent_prompt(model, prompt) @ jnp.flip(linearized_minimiser(latent_covariance(model), embed_dim))",
        (f"{S}3_zero_shot.py",),
    ),
    Mutant(
        "the smallest singular values are kept",
        "theory/linearized.py",
        "return (left[:, :rank] * singular_values[None, :rank]) @ right[:rank]",
        "return (left[:, -rank:] * singular_values[None, -rank:]) @ right[-rank:]",
        (f"{S}1_minimiser.py",),
    ),
    Mutant(
        "a sign in the critical ratio",
        "theory/boundary.py",
        "return constant / (spurious * mu_spu**2 + v_inv * mu_spu * covariance[0, 1] * vector[1])",
        "return constant / (spurious * mu_spu**2 - v_inv * mu_spu * covariance[0, 1] * vector[1])",
        (f"{S}8_boundary.py",),
    ),
    Mutant(
        "kappa_2 with the wrong sign",
        "theory/theorem62.py",
        "kappa_2 = -(invariant + spurious) / deviation",
        "kappa_2 = (invariant + spurious) / deviation",
        (f"{S}7_theorem62.py",),
    ),
    Mutant(
        "a factor in SigLIP's log partition",
        "theory/siglip.py",
        "log_value = -0.5 * jnp.log(determinant) + 0.5 * quadratic + linear @ resolvent @ mean",
        "log_value = -1.0 * jnp.log(determinant) + 0.5 * quadratic + linear @ resolvent @ mean",
        (f"{S}15_siglip.py",),
    ),
    Mutant(
        "the two directions of InfoNCE are exchanged",
        "theory/infonce.py",
        "other = 1.0 - image_to_text",
        "other, image_to_text = image_to_text, 1.0 - image_to_text",
        (f"{S}14_infonce.py",),
    ),
    Mutant(
        "the fourth moment of a Gaussian with 2 for 3",
        "theory/rate.py",
        "fourth = mean**2 + 6.0 * mean * variance + 3.0 * variance**2  # E z_k^4",
        "fourth = mean**2 + 6.0 * mean * variance + 2.0 * variance**2",
        (f"{S}9_rate.py",),
    ),
    Mutant(
        "the background's evidence for the opposite label",
        "theory/bayes.py",
        "agree = jnp.logaddexp(log_ratio + evidence, log_rest - evidence)",
        "agree = jnp.logaddexp(log_ratio - evidence, log_rest + evidence)",
        (f"{S}10_bayes.py",),
    ),
    Mutant(
        "captions of the class mention the background",
        "theory/captions.py",
        'spurious = 0.0 if self.kind == "label" else self.mention_spu',
        'spurious = 0.0 if self.kind == "latent" else self.mention_spu',
        (f"{S}12_captions.py",),
    ),
    Mutant(
        "the index of reliance of the other group",
        "theory/accuracy_on_the_line.py",
        "value = (aligned.value - conflicting.value) / safe",
        "value = (conflicting.value - aligned.value) / safe",
        (f"{S}19_accuracy_on_the_line.py",),
    ),
    # sims
    Mutant(
        "noise per direction in place of noise in all",
        "sims/sampler.py",
        "images = latents @ bases.image.T + image_noise * (model.sigma_xi / jnp.sqrt(float(image_dim)))",
        "images = latents @ bases.image.T + image_noise * model.sigma_xi",
        ("tests/sims/test_sampler.py",),
    ),
    Mutant(
        "the background agrees where it should not",
        "sims/sampler.py",
        "attributes = jnp.where(agrees, labels, -labels)",
        "attributes = jnp.where(agrees, -labels, labels)",
        ("tests/sims/test_sampler.py",),
    ),
    Mutant(
        "the test images are drawn with the training data's key",
        "sims/runs.py",
        "sample_evaluation_set(jax.random.fold_in(key, _TEST), model, bases, MONITOR_SIZE + TEST_SIZE),",
        "sample_evaluation_set(jax.random.fold_in(key, _DATA), model, bases, MONITOR_SIZE + TEST_SIZE),",
        ("tests/sims/test_training.py",),
    ),
    Mutant(
        "every epoch in the same order",
        "sims/runs.py",
        "shuffle_key = jax.random.fold_in(jax.random.fold_in(key, _ORDER), epoch)",
        "shuffle_key = jax.random.fold_in(jax.random.fold_in(key, _ORDER), 0)",
        ("tests/sims/test_training.py::test_an_epoch_sees_every_sample_once_and_epochs_differ",),
    ),
    Mutant(
        "captions and mentions share a random key",
        "sims/captions.py",
        "mention_key, batch_key = jax.random.split(key)",
        "mention_key = batch_key = jax.random.split(key)[0]",
        ("tests/sims/test_sampler.py",),
    ),
    Mutant(
        "the prompts of the two classes exchanged",
        "sims/evaluation.py",
        "return jnp.stack([-positive, positive], axis=1)",
        "return jnp.stack([positive, -positive], axis=1)",
        (f"{S}3_zero_shot.py",),
    ),
    Mutant(
        "the quantile of a one-sided test",
        "sims/comparison.py",
        "critical = stdtrit(runs - 1, 1 - AGREEMENT_LEVEL / (2 * comparisons))",
        "critical = stdtrit(runs - 1, AGREEMENT_LEVEL / (2 * comparisons))",
        ("tests/sims/test_comparison.py",),
    ),
    Mutant(
        "equal where the difference is beyond the margin",
        "sims/equivalence.py",
        "return float(abs(runs[0]) >= margin), float(runs[0] == 0)",
        "return float(abs(runs[0]) < margin), float(runs[0] == 0)",
        ("tests/sims/test_equivalence.py",),
    ),
    Mutant(
        "SigLIP's own pairs without their bias",
        "sims/objectives/siglip.py",
        "own = jnp.sum(images * texts) + images.shape[0] * bias",
        "own = jnp.sum(images * texts)",
        ("tests/sims/test_objectives.py",),
    ),
    Mutant(
        "the biased covariance",
        "sims/objectives/linearized.py",
        "alignment = jnp.sum(images * texts) / (images.shape[0] - 1)",
        "alignment = jnp.sum(images * texts) / images.shape[0]",
        ("tests/sims/test_objectives.py", f"{S}1_minimiser.py"),
    ),
    Mutant(
        "the gradient of the rows with the columns' weights",
        "sims/pairwise/dense.py",
        "slope = by_row * (given[0] / of_row)[:, None] + by_column * (given[1] / of_column)[None, :]",
        "slope = by_row * (given[1] / of_row)[:, None] + by_column * (given[0] / of_column)[None, :]",
        ("tests/sims/test_pairwise.py",),
    ),
    Mutant(
        "blocks add each block's columns in the wrong place",
        "sims/pairwise/blocks.py",
        "slope = of_rows[:, None] * jnp.exp(logits - rows[:, None])",
        "slope = of_rows[:, None] * jnp.exp(logits - columns[None, :])",
        ("tests/sims/test_pairwise.py",),
    ),
    Mutant(
        "a picture's neighbourhood off by one row",
        "sims/encoders/cnn.py",
        "padded[:, row : row + height : 2, column : column + width : 2] for row in range(3) for column in range(3)",
        "padded[:, column : column + height : 2, row : row + width : 2] for row in range(3) for column in range(3)",
        ("tests/sims/test_encoders.py::test_cnn_is_two_strided_convolutions",),
    ),
    Mutant(
        "reversed colours agree in 90%",
        "sims/colored_digits/design.py",
        "table[label, label], table[label, 1 - label] = REVERSED_RATIO, 1.0 - REVERSED_RATIO",
        "table[label, label], table[label, 1 - label] = 1.0 - REVERSED_RATIO, REVERSED_RATIO",
        (f"{DIGITS}design.py",),
    ),
    Mutant(
        "the crop of a shifted digit never reaches the last place",
        "sims/colored_digits/pictures.py",
        "corners = jax.random.randint(key, (size, 2), 0, 2 * most + 1)",
        "corners = jax.random.randint(key, (size, 2), 0, 2 * most)",
        (f"{DIGITS}pictures.py",),
    ),
    Mutant(
        "a truncated file of digits is accepted",
        "sims/colored_digits/idx.py",
        "if len(sizes) < dimensions or len(content) != expected:",
        "if len(sizes) < dimensions or len(content) > expected:",
        (f"{DIGITS}idx.py",),
    ),
    Mutant(
        "an object's own colour among the swapped ones",
        "sims/colored_coco/make.py",
        "swapped = [colour for colour in OWN if colour != OWN[label]]",
        "swapped = list(OWN)",
        ("tests/sims/colored_coco/test_programs.py::test_backgrounds_are_the_designs",),
    ),
    Mutant(
        "a simulated statement is not centred",
        "sims/theorems/population.py",
        "return bases.image.T @ (images.T @ texts / (PAIRS - 1)) @ bases.text",
        "return bases.image.T @ (batch.images.T @ (2.0 * texts) / (PAIRS - 1)) @ bases.text",
        ("tests/sims/test_theorems.py",),
    ),
    # pretrained
    Mutant(
        "a crop off by one",
        "pretrained/preprocessing.py",
        "left, top = (round((length - side) / 2) if to_even else (length - side) // 2 for length in photo.size)",
        "left, top = (round((length - side) / 2) if to_even else (length - side + 1) // 2 for length in photo.size)",
        ("tests/pretrained/test_preprocessing.py",),
    ),
    Mutant(
        "the longer side is made the wanted one",
        "pretrained/preprocessing.py",
        "return (short, int(short * height / width)) if width <= height else (int(short * width / height), short)",
        "return (short, int(short * height / width)) if width > height else (int(short * width / height), short)",
        ("tests/pretrained/test_preprocessing.py",),
    ),
    Mutant(
        "attention without its scale",
        "pretrained/attention.py",
        "scores = jnp.matmul(query * query.shape[-1] ** -0.5, key.swapaxes(-1, -2))",
        "scores = jnp.matmul(query, key.swapaxes(-1, -2))",
        ("tests/pretrained/test_huggingface.py",),
    ),
    Mutant(
        "the norms of a block exchanged",
        "pretrained/huggingface_keys.py",
        '_NORMS = {"attention_norm": "layer_norm1", "hidden_norm": "layer_norm2"}',
        '_NORMS = {"attention_norm": "layer_norm2", "hidden_norm": "layer_norm1"}',
        ("tests/pretrained/test_huggingface.py",),
    ),
    Mutant(
        "SigLIP's text keeps its capitals",
        "pretrained/tokenizer.py",
        'plain = text.lower().translate(str.maketrans("", "", string.punctuation))',
        'plain = text.translate(str.maketrans("", "", string.punctuation))',
        ("tests/pretrained/test_siglip.py", "tests/pretrained/test_tokenizer.py"),
    ),
    # published
    Mutant(
        "a fraction where a count must stand",
        "published/tables.py",
        "wrong |= values % 1 != 0",
        "wrong |= values % 1 < 0",
        ("tests/published/test_tables.py",),
    ),
    # realdata
    Mutant(
        "classes are drawn where photos alone are",
        "realdata/bootstrap.py",
        "same = np.broadcast_to(np.arange(classes), (DRAWS, classes))",
        "same = generator.integers(classes, size=(DRAWS, classes))",
        ("tests/realdata/test_intervals.py",),
    ),
    Mutant(
        "an interval with one end twice",
        "realdata/bootstrap.py",
        "low, high = np.percentile(draws, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])",
        "low, high = np.percentile(draws, [100 - LEVEL, LEVEL])",
        ("tests/realdata/test_intervals.py",),
    ),
    Mutant(
        "effective robustness from common minus predicted",
        "realdata/effective_robustness.py",
        "value=100 * (counter - float(expit(prediction.predicted_mean[0]))),",
        "value=100 * (float(expit(prediction.predicted_mean[0])) - counter),",
        ("tests/realdata/test_effective_robustness.py", "tests/realdata/test_standing.py"),
    ),
    Mutant(
        "a one-sided p-value",
        "realdata/effective_robustness.py",
        "p_value=float(2 * student_t.sf(abs(distance), fit.df_resid)),",
        "p_value=float(student_t.sf(abs(distance), fit.df_resid)),",
        ("tests/realdata/test_effective_robustness.py", "tests/realdata/test_standing.py"),
    ),
    Mutant(
        "the clustered p-value does not decide",
        "realdata/claims/judge.py",
        'if row.decides == "clustered" and row.clustered is not None:',
        'if row.decides == "naive" and row.clustered is not None:',
        ("tests/realdata/test_claims.py",),
    ),
    Mutant(
        "clusters are ignored",
        "realdata/claims/clusters.py",
        'return np.asarray(fit.get_robustcov_results("cluster", groups=labels, use_t=True).cov_params())',
        "return np.asarray(fit.cov_params())",
        ("tests/realdata/test_claims.py",),
    ),
    Mutant(
        "a permutation's p-value that can be 0",
        "realdata/chance.py",
        "np.where(several, (1 + as_large) / (1 + permutations), np.nan),",
        "np.where(several, as_large / permutations, np.nan),",
        ("tests/realdata/test_curation.py",),
    ),
    Mutant(
        "common is the background with the lowest accuracy",
        "realdata/selection.py",
        "common, counter = highest.argmax(axis=-1), lowest.argmin(axis=-1)",
        "common, counter = lowest.argmin(axis=-1), highest.argmax(axis=-1)",
        ("tests/realdata/test_curation.py",),
    ),
    Mutant(
        "a drop at the threshold itself is kept",
        "realdata/selection.py",
        "return Choice(common, counter, drop, drop > threshold + _ROUNDING)",
        "return Choice(common, counter, drop, drop >= threshold - _ROUNDING)",
        ("tests/realdata/test_curation.py",),
    ),
    Mutant(
        "the held-out photos are those that chose",
        "realdata/held_out.py",
        "other = (right - chosen_right) / np.maximum(photos - size, 1)",
        "other = chosen_right / np.maximum(size, 1)",
        ("tests/realdata/test_curation.py",),
    ),
    Mutant(
        "the photo error of the wrong average",
        "realdata/photo_error.py",
        'of_one = balanced_standard_error if averaging == "balanced" else unbalanced_standard_error',
        'of_one = unbalanced_standard_error if averaging == "balanced" else balanced_standard_error',
        ("tests/realdata/test_photo_error.py", "tests/realdata/test_claims.py"),
    ),
    Mutant(
        "who is right alone, exchanged",
        "realdata/paired.py",
        "outcome = (pairs.correct_a - pairs.correct_b).map({1: 0, -1: 1, 0: 2})",
        "outcome = (pairs.correct_a - pairs.correct_b).map({1: 1, -1: 0, 0: 2})",
        ("tests/realdata/test_compare.py",),
    ),
    Mutant(
        "a score that is no number passes",
        "realdata/evaluate/scores.py",
        "bad = np.isnan(values) | (values == np.inf)",
        "bad = values == np.inf",
        ("tests/realdata/test_scores.py",),
    ),
    Mutant(
        "a prediction that contradicts itself passes",
        "realdata/predictions_file.py",
        "wrong = (table.class_index == table.predicted_index) != (table.correct == 1)",
        "wrong = (table.class_index == table.predicted_index) & (table.correct != 1)",
        ("tests/realdata/test_compare.py", "tests/realdata/test_curate_program.py"),
    ),
    Mutant(
        "normal quantiles for a few classes",
        "realdata/reliance/random_effects.py",
        "half = float(student_t.ppf(1 - LEVEL / 2, freedom)) * error",
        "half = float(student_t.ppf(1 - LEVEL, freedom)) * error",
        ("tests/realdata/test_reliance_classes.py",),
    ),
    Mutant(
        "photos shared by two classes are called harmless",
        "realdata/check/duplicates.py",
        "if len({photo.class_index for photo in same}) > 1:",
        "if len({photo.class_index for photo in same}) > 2:",
        ("tests/realdata/test_check.py",),
    ),
    Mutant(
        "a cut value is taken for a rounded one",
        "realdata/audit/rounding.py",
        "return cut and _cut_agrees(value, unit, exact)",
        "return _cut_agrees(value, unit, exact)",
        ("tests/realdata/audit",),
    ),
    Mutant(
        "a drop is counter minus common",
        "realdata/audit/drop.py",
        "return printed[0] - printed[1] == drop or agrees(drop, unit, (common[0] - counter[1], common[1] - counter[0]))",  # noqa: E501
        "return printed[1] - printed[0] == drop",
        ("tests/realdata/audit",),
    ),
    Mutant(
        "one group's images in both",
        "sims/theorems/group_accuracy.py",
        "batch = sample_batch(group_key, model, bases, size, ratio)",
        "batch = sample_batch(group_key, model, bases, size, 1.0)",
        ("tests/sims/test_theorems.py",),
    ),
    Mutant(
        "several templates: the last one's embedding",
        "realdata/models/prompt_embeddings.py",
        "means = found.reshape(len(question.names), len(question.templates), -1).mean(axis=1)",
        "means = found.reshape(len(question.names), len(question.templates), -1)[:, -1]",
        ("tests/realdata/test_prompt_embeddings.py", "tests/realdata/test_protocols.py"),
    ),
    # paper_figs
    Mutant(
        "the mean drop over all models is the worst one",
        "paper_figs/class_models.py",
        '"mean": stacked["drop"].mean(axis=1),',
        '"mean": stacked["drop"].max(axis=1),',
        ("tests/test_figures.py::test_class_drops_are_the_tables",),
    ),
    Mutant(
        "intervals of drops with the groups exchanged",
        "paper_figs/looks.py",
        'rights = [classes[group] / 100 * classes[f"{group}_photos"] for group in ("common", "counter")]',
        'rights = [classes[group] / 100 * classes[f"{group}_photos"] for group in ("counter", "common")]',
        ("tests/test_figures.py::test_drop_intervals_cover_as_often_as_they_say",),
    ),
    Mutant(
        "a number that is not finite reaches the page",
        "paper_figs/report/place.py",
        "if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):",
        "if isinstance(value, bool) or not isinstance(value, (int, float)):",
        ("tests/paper_figs/report/test_numbers.py",),
    ),
    Mutant(
        "verdicts that agree are counted as changed",
        "paper_figs/report/verdict_counts.py",
        "differing = sum(first != second for first, second in pairs)",
        "differing = sum(first == second for first, second in pairs)",
        ("tests/paper_figs/report/test_numbers.py", "tests/paper_figs/report/test_answer.py"),
    ),
    Mutant(
        "printed and derived exchanged in a figure",
        "paper_figs/statements/population.py",
        "derived = np.array([latent_covariance(model) for model in models])",
        "derived = np.array([printed_latent_covariance(model) for model in models])",
        ("tests/paper_figs/test_statements.py",),
    ),
    # workbench
    Mutant(
        "not a number is a number",
        "workbench/program.py",
        "if not math.isfinite(value):",
        "if math.isinf(value):",
        ("tests/workbench/test_program.py", "tests/theory/test_program.py"),
    ),
    Mutant(
        "a seed that JAX does not take",
        "workbench/program.py",
        "if value >= 2**32:",
        "if value > 2**32:",
        ("tests/workbench/test_program.py", f"{DIGITS}programs.py::test_wrong_input_gets_one_line_and_writes_nothing"),
    ),
)
