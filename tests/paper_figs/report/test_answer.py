"""Counts and sentences follow the verdicts."""

import itertools

import pytest

from paper_figs.report import answer
from paper_figs.report.derived import derive
from paper_figs.report.verdict_counts import CLAIMS, changes, outcome, summarise
from tests.paper_figs.report.made_contents import SETTINGS, VERDICTS, audit, claim_row, contents, contrastive

MAIN = SETTINGS[0]
OUTCOMES = {
    "": "untested",
    "ss": "always",
    "si": "sometimes",
    "ii": "open",
    "sni": "both",
    "ni": "against",
    "nn": "never",
}


def rows(claim, letters, setting=MAIN):
    return [claim_row(claim, "drop", "points", VERDICTS[letter], setting, seed) for seed, letter in enumerate(letters)]


def report(**verdicts):
    made = [row for claim, letters in verdicts.items() for row in rows(claim, letters)]
    return derive({"claims.json": {"claims": made}})


@pytest.mark.parametrize(("letters", "expected"), OUTCOMES.items())
def test_outcomes(letters, expected):
    assert summarise(rows("C1", letters))["C1"]["outcome"] == expected


@pytest.mark.parametrize("claim", answer.SENTENCES)
def test_every_outcome_has_a_sentence_of_its_own(claim):
    assert answer.SENTENCES[claim].keys() == set(OUTCOMES.values())
    assert len(set(answer.SENTENCES[claim].values())) == len(OUTCOMES)


@pytest.mark.parametrize(
    ("verdicts", "place", "words", "never"),
    [
        ({"C1": "sss"}, 0, "Every CLIP loses", "not"),
        ({"C1": "nnn"}, 0, "refuted in all", "Every CLIP loses accuracy when"),
        ({"C2": "sii"}, 1, "the opposite in none", "do not lose"),
        ({"C2": "nii"}, 1, "They do not lose more", "depends"),
        ({"C2": "sni"}, 1, "the opposite", "none"),
        ({"C3": "ss", "C4": "ii"}, 2, "(C3) in {/claims/C3/supported} of {/claims/C3/tests} tests; that", "opposite"),
        ({"C5": "snn"}, 2, "(C5) in {/claims/C5/supported} of {/claims/C5/tests} tests, the opposite in", "C6"),
        ({"C8": "nn"}, 3, "gives more robustness than supervised training, in all", "no more"),
        ({"C8": "ss"}, 3, "gives no more robustness", "refuted"),
    ],
)
def test_sentences_follow_planted_verdicts(verdicts, place, words, never):
    sentence = answer.answer(report(**verdicts))[place]
    assert words in sentence and never not in sentence


def test_the_answer_has_five_sentences_whatever_is_missing():
    whole = derive(contents())
    parts = ("claims", "audit", "synthetic", "changes")
    for number in range(len(parts) + 1):
        for missing in itertools.combinations(parts, number):
            sentences = answer.answer({key: part for key, part in whole.items() if key not in missing})
            assert len(sentences) == 5
            assert all(text[0].isupper() and text.count(".") == 1 and text.endswith(".") for text in sentences)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (["more robust", "less robust"], "depends on the loss and the prompt"),
        (["more robust"], "none less"),
        (["less robust", "not judged"], "none more"),
        (["no difference shown"], "no difference between the two is shown"),
    ],
)
def test_the_synthetic_model_is_told_as_it_came_out(kinds, words):
    content = contrastive() | {"verdict": {"comparisons": [{"verdict": kind} for kind in kinds]}}
    assert words in answer.answer(derive({"contrastive/result.json": content}))[3]


def test_the_audit_is_told_as_it_came_out():
    content = audit()
    assert "Errors in the printed tables" in answer.answer(derive({"audit.json": content}))[4]
    content["findings"] = [item for item in content["findings"] if item["severity"] != "error"]
    assert "no error" in answer.answer(derive({"audit.json": content}))[4]
    assert "not audited" in answer.answer({})[4]


def test_pairs_differ_in_one_part_of_the_setting_only():
    excluded, corrected, table9 = SETTINGS[1], SETTINGS[3], (MAIN[0], ["9", "4"], *MAIN[2:])
    made = [
        *rows("C1", "s"),
        *rows("C1", "i", excluded),  # changed
        *rows("C1", "s", corrected),  # not changed
        *rows("C1", "n", table9),  # the same setting again: no pair with Table 3's
        *rows("C2", "i", excluded),  # no partner
        *rows("C1", "n", (*MAIN[:4], "unbalanced", *MAIN[5:])),  # changed
    ]
    found = {(item["key"], item["to"]): (item["changed"], item["pairs"]) for item in changes(made)}
    assert found == {
        ("selector", "excluded"): (1, 1),
        ("values", "corrected"): (0, 1),
        ("averaging", "unbalanced"): (1, 1),
    }


def test_the_main_row_is_the_one_nearest_to_the_papers_setting():
    replication, unbalanced = SETTINGS[7], SETTINGS[5]
    order = [
        *rows("C1", "i", replication),
        *rows("C1", "n", unbalanced),
        *rows("C1", "s", SETTINGS[1]),
        *rows("C1", "s"),
    ]
    assert summarise(order)["C1"]["questions"][0]["main"] == 3
    assert summarise(order[:2])["C1"]["questions"][0]["main"] == 1


def test_certainty_and_changes_say_what_was_counted():
    said = " ".join(answer.certainty(derive(contents())))
    assert "{/clustering/naive_differs} of all verdicts" in said and "{/audit/errors}" in said
    calm = contents()
    for row in calm["claims.json"]["claims"]:
        row["verdict"] = row["verdict_naive"] = "supported"
    calm = derive(calm)
    assert "no verdict would be another" in " ".join(answer.certainty(calm))
    assert all("changes none of" in text for text in answer.what_would_change(calm)[:5])


def test_claims_are_counted_even_where_none_was_tested():
    assert outcome({"tests": 0, "supported": 0, "not_supported": 0}) == "untested"
    assert set(report()["claims"]) == set(CLAIMS)
