"""Counts and sentences follow the verdicts."""

import itertools
import re
from html import unescape

import pytest

from paper_figs.report.answer import find_answer
from paper_figs.report.derived import CLAIMS, changes, derive, summarise
from paper_figs.report.page import environment
from paper_figs.report.place import Place
from tests.paper_figs.report.made_contents import SETTINGS, VERDICTS, audit, claim_row, contents

MAIN = SETTINGS[0]
ROBUSTNESS, DROP, REMEDIES, TRAINING, TABLES = range(5)  # the answer's sentences


def rows(claim, letters, setting=MAIN, question="drop"):
    return [
        claim_row(claim, question, "points", VERDICTS[letter], setting, seed) for seed, letter in enumerate(letters)
    ]


def render(template, report, claims=None):
    found = find_answer(Place("report.json", "", report), claims and Place("claims.json", "", claims))
    return environment().get_template(f"{template}.html").render(found=found).replace("&#39;", "'")


def sentences(template, report, claims=None):
    """The sentences of a template, with `{POINTER}` for a number of report.json and `{FILE#POINTER}` for another's."""
    html = render(template, report, claims)
    html = re.sub(r'<data value="[^"]*" data-from="(?:report\.json#)?([^"]*)">[^<]*</data>', r"{\1}", html)
    assert html.count("<") == 2 * html.count("<li>") and not re.search(r"\d", re.sub(r"\{[^}]*\}|Eq\. 10", "", html))
    return [" ".join(unescape(item).split()) for item in re.findall(r"<li>(.*?)</li>", html, re.DOTALL)]


def planted(**verdicts):
    """Content of claims.json with questions named as `C3_model_size__drop` is for "model size: drop" of C3."""
    made = []
    for name, letters in verdicts.items():
        claim, _, words = name.partition("_")
        made += rows(claim, letters, question=words.replace("__", ": ").replace("_", " "))
    return {"claims": made}


def counted(claims):
    return derive({"claims.json": claims})


@pytest.mark.parametrize(
    ("verdicts", "place", "words", "never"),
    [
        ({"C2_effective_robustness": "sii"}, ROBUSTNESS, "more robust in none of {Q/tests} settings and", "Some"),
        ({"C2_effective_robustness": "sii"}, ROBUSTNESS, "less robust in {Q/supported}", "less robust in none"),
        ({"C2_effective_robustness": "nsi"}, ROBUSTNESS, "Some published measurements show", "No published"),
        ({"C2_effective_robustness": "nii"}, ROBUSTNESS, "more robust in {Q/not_supported} of {Q/tests}", "No "),
        ({"C1_drop": "sss"}, DROP, "shown in {Q/supported} of {Q/tests} settings, and refuted in none", "not tested"),
        ({"C1_drop": "nni"}, DROP, "none of {Q/tests} settings, and refuted in {Q/not_supported}", "not tested"),
        ({"C3_model_size__drop": "ss"}, REMEDIES, "larger backbones in {Q/supported} of", "explains"),
        ({"C4_data_size__drop": "ii"}, REMEDIES, "No setting tells", "shown"),
        ({"C4_data_size__drop": "sn"}, REMEDIES, "does not shrink it is shown in {Q/supported} of", "No setting"),
        ({"C5_filtered_data__effective_robustness": "ni"}, REMEDIES, "is shown for filtered data in none", "large"),
        ({"C8_colours": "ss"}, TRAINING, "within a margin, in {/claims/C8/supported} of {/claims/C8/tests}", "none"),
        ({"C8_colours": "nn"}, TRAINING, "within a margin, in none of", "supported}"),
    ],
)  # fmt: skip
def test_sentences_follow_planted_verdicts(verdicts, place, words, never):
    claims = planted(**verdicts)
    sentence = sentences("answer", counted(claims), claims)[place]
    claim = next(iter(verdicts)).partition("_")[0]
    assert words.replace("Q/", f"/claims/{claim}/questions/0/") in sentence and never not in sentence


def test_the_effect_comes_with_the_interval_that_decides():
    claims = planted(C2_effective_robustness="s")
    counts = counted(claims)
    (question,) = counts["claims"]["C2"]["questions"]
    row = rows("C2", "s", question="effective robustness")[0]
    assert question["interval"] == ("/clustered/interval" if row["decides"] == "clustered" else "/interval")
    place = f"claims.json#/claims/0{question['interval']}"
    assert f"[{{{place}/0}}, {{{place}/1}}]" in sentences("answer", counts, claims)[ROBUSTNESS]
    low = Place("claims.json", "", claims).number(f"/claims/0{question['interval']}/0", "points")
    assert str(low) in render("answer", counts, claims)  # a difference, with its sign


def test_the_answer_has_five_sentences_whatever_is_missing():
    whole, claims = derive(contents()), contents()["claims.json"]
    parts = ("claims", "audit", "map", "changes")
    for number in range(len(parts) + 1):
        for missing in itertools.combinations(parts, number):
            found = sentences("answer", {key: part for key, part in whole.items() if key not in missing}, claims)
            assert len(found) == 5
            words = [re.sub(r"\{[^}]*\}|Eq\.", "", text) for text in found]
            assert all(text[0].isupper() and text.count(".") == 1 and text.endswith(".") for text in words)


@pytest.mark.parametrize(
    ("more", "less", "words", "never"),
    [
        (9, 19, "depends on what captions and prompts say: of {/map/points}", "none"),
        (9, 0, "{/map/more} are more robust than supervised training and none less", "depends"),
        (0, 9, "none are more robust than supervised training and {/map/less} less", "depends"),
    ],
)
def test_the_synthetic_model_is_told_as_it_came_out(more, less, words, never):
    sentence = sentences("answer", {"map": {"points": 30, "more": more, "less": less}})[TRAINING]
    assert words in sentence and never not in sentence


def test_the_audit_is_told_as_it_came_out():
    content = audit()
    assert "Errors in the printed tables" in sentences("answer", derive({"audit.json": content}))[4]
    content["findings"] = [item for item in content["findings"] if item["severity"] != "error"]
    assert "no error" in sentences("answer", derive({"audit.json": content}))[4]
    assert "not audited" in sentences("answer", {})[4]


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
    made = contents()
    said = " ".join(sentences("certainty", derive(made), made["claims.json"]))
    assert "{/clustering/naive_differs} of all verdicts" in said and "{/audit/errors}" in said
    calm = contents()
    for row in calm["claims.json"]["claims"]:
        row["verdict"] = row["verdict_naive"] = "supported"
    claims, counts = calm["claims.json"], derive(calm)
    assert "no verdict would be another" in " ".join(sentences("certainty", counts, claims))
    assert all("changes none of" in text for text in sentences("change", counts, claims)[:5])


def test_claims_are_counted_even_where_none_was_tested():
    counts = counted(planted())["claims"]
    assert set(counts) == set(CLAIMS) and counts["C1"]["tests"] == 0
