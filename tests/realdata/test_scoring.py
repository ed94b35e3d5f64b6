"""A model scores photos: its answers, what is left out, and going on where a run was stopped."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from realdata.evaluate import scoring as kept_module
from realdata.evaluate.scoring import Pieces, Scoring, answer_photos, most_similar_candidates
from realdata.photos.folders import Photo
from workbench.errors import InputError, RunError

CANDIDATES = [3, 5, 8, 13]


def read(path):
    return np.array(float(path.read_text()))


class Model:
    """Scores that follow from a photo's number; counts what it was asked about, and stops after so many batches."""

    texts, batch_size = True, 4

    def __init__(self, stop_after=None):
        self.description = {"kind": "stand-in", "preprocessing": None}
        self.asked, self.stop_after, self.read = [], stop_after, read

    def score(self, pictures, among):
        self.asked.append([float(picture) for picture in pictures])
        if len(self.asked) == self.stop_after:
            os.kill(os.getpid(), signal.SIGINT)
        return np.stack([scores(float(picture)) for picture in pictures])


def scores(number):
    return np.random.default_rng(int(number)).normal(size=4)


@pytest.fixture
def photos(tmp_path):
    found = []
    for number in range(30):
        path = f"{number % 2}/{number:02d}.png"
        (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / path).write_text(str(number) if number != 11 else "eleven")
        found.append(Photo(path, CANDIDATES[number % 2], "common" if number < 15 else "counter", "sky"))
    return found


def scoring(tmp_path, model, strict=False):
    return Scoring(model, tmp_path / "photos", 4, 0, strict)


EVERY = {index: np.ones(4, bool) for index in CANDIDATES}


def test_answers_are_the_highest_scores_among_what_is_allowed(tmp_path, photos):
    allowed = {3: np.array([True, True, False, False]), 5: np.array([False, True, True, True])}
    (found,) = answer_photos(scoring(tmp_path, Model()), photos, CANDIDATES, allowed, Pieces(tmp_path / "out", {}))
    assert [path for path, _ in found.unreadable] == ["1/11.png"] and "eleven" in found.unreadable[0][1]
    assert found.predictions.path.tolist() == [photo.path for photo in photos if photo.path != "1/11.png"]
    for row in found.predictions.itertuples():
        values = np.where(allowed[row.class_index], scores(int(row.path[2:4])), -np.inf)
        assert row.predicted_index == CANDIDATES[values.argmax()] and row.score == values.max()
        assert row.correct == (row.predicted_index == row.class_index)


def test_a_stopped_run_goes_on_and_ends_the_same(tmp_path, photos):
    (whole,) = answer_photos(scoring(tmp_path, Model()), photos, CANDIDATES, EVERY, Pieces(tmp_path / "whole", {}))
    first, kept = Model(stop_after=3), Pieces(tmp_path / "out", {"run": 1})
    with pytest.raises(KeyboardInterrupt, match=r"stopped after .* of 30 photos; the same command continues"):
        answer_photos(scoring(tmp_path, first), photos, CANDIDATES, EVERY, kept)
    second = Model()
    (found,) = answer_photos(scoring(tmp_path, second), photos, CANDIDATES, EVERY, Pieces(tmp_path / "out", {"run": 1}))
    assert found.predictions.equals(whole.predictions) and found.unreadable == whole.unreadable
    done, again = (sum(len(batch) for batch in model.asked) for model in (first, second))
    # At most the batch whose answer was awaited at the signal is asked about twice.
    assert 29 <= done + again <= 29 + 4 and again < 29
    # Another run's unfinished work is not taken for this one's.
    other = Model()
    answer_photos(scoring(tmp_path, other), photos, CANDIDATES, EVERY, Pieces(tmp_path / "out", {"run": 2}))
    assert sum(len(batch) for batch in other.asked) == 29
    kept.remove()
    assert not list((tmp_path / "out").iterdir())


def test_work_is_kept_while_it_goes_on(tmp_path, photos, monkeypatch):
    """So that a run that is killed without a word loses no more than the last seconds."""
    monkeypatch.setattr(kept_module, "SECONDS", 0.0)

    class Dying(Model):
        def score(self, pictures, among):
            if len(self.asked) == 4:
                raise MemoryError
            return super().score(pictures, among)

    with pytest.raises(MemoryError):
        answer_photos(scoring(tmp_path, Dying()), photos, CANDIDATES, EVERY, Pieces(tmp_path / "out", {}))
    done = [path for piece in Pieces(tmp_path / "out", {}).read() for path in piece["done"]]
    assert len(done) == 12  # three of the four batches; the fourth was awaited


def test_a_piece_that_is_broken_is_told(tmp_path, photos):
    kept = Pieces(tmp_path / "out", {})
    answer_photos(scoring(tmp_path, Model()), photos, CANDIDATES, EVERY, kept)
    (piece,) = kept.folder.glob("*.json")
    piece.write_text(piece.read_text()[:50])
    with pytest.raises(InputError, match=r"000000\.json cannot be read .* delete it"):
        answer_photos(scoring(tmp_path, Model()), photos, CANDIDATES, EVERY, kept)


def test_a_photo_that_cannot_be_read_ends_a_strict_run(tmp_path, photos):
    with pytest.raises(InputError, match=r"`strict`: .*1/11\.png cannot be read"):
        answer_photos(scoring(tmp_path, Model(), strict=True), photos, CANDIDATES, EVERY, Pieces(tmp_path / "out", {}))


def test_the_most_similar_candidates_have_the_highest_mean(tmp_path, photos):
    """Recomputed photo by photo; halfway through it is stopped, and goes on."""
    with pytest.raises(KeyboardInterrupt):
        most_similar_candidates(
            scoring(tmp_path, Model(stop_after=4)), photos, CANDIDATES, 2, Pieces(tmp_path / "out", {})
        )
    found = most_similar_candidates(scoring(tmp_path, Model()), photos, CANDIDATES, 2, Pieces(tmp_path / "out", {}))
    for index in (3, 5):
        of_class = [int(Path(p.path).stem) for p in photos if p.class_index == index and p.path != "1/11.png"]
        mean = np.mean([scores(number) for number in of_class], axis=0)
        assert found[index] == [CANDIDATES[place] for place in np.argsort(-mean)[:2]]
    assert found[3] != found[5]  # or the same list for all would do
    assert json.dumps(found)


class Broken(Model):
    """Of photo 18 it says NaN for one candidate, and of photo 25 minus infinity."""

    def __init__(self, dtype="float32"):
        super().__init__()
        self.description |= {"dtype": dtype}

    def score(self, pictures, among):
        found = super().score(pictures, among)
        found[np.array(pictures) == 18.0, 2] = np.nan
        found[np.array(pictures) == 25.0, 0] = -np.inf
        return found


@pytest.mark.parametrize(
    ("dtype", "advice"), [("float32", "the model's$"), ("bfloat16", "`dtype` float32 holds them$")]
)
def test_scores_that_are_not_finite_end_the_run_and_the_rest_is_kept(tmp_path, photos, dtype, advice):
    out = tmp_path / "out"
    with pytest.raises(RunError, match=rf"^the scores of 0/18\.png are not finite, the first is nan.*{advice}"):
        answer_photos(scoring(tmp_path, Broken(dtype)), photos, CANDIDATES, EVERY, Pieces(out, {}))
    done = {path for piece in Pieces(out, {}).read() for path in piece["done"]}
    assert len(done) == 19 and "0/18.png" not in done and "1/19.png" in done  # 20 asked about, in batches of 4
    with pytest.raises(RunError, match=r"^the scores of 1/25\.png are not finite, the first is -inf"):
        answer_photos(scoring(tmp_path, Broken()), photos[25:26], CANDIDATES, EVERY, Pieces(tmp_path / "one", {}))
    mended = Model()
    (found,) = answer_photos(scoring(tmp_path, mended), photos, CANDIDATES, EVERY, Pieces(out, {}))
    assert sum(map(len, mended.asked)) == 11
    (whole,) = answer_photos(scoring(tmp_path, Model()), photos, CANDIDATES, EVERY, Pieces(tmp_path / "whole", {}))
    assert found.predictions.equals(whole.predictions)


def test_what_is_no_candidate_of_a_photo_may_be_anything(tmp_path, photos):
    """Of the broken scores none is asked for; each photo is right or wrong as without them."""
    allowed = {3: np.array([True, True, False, True]), 5: np.array([False, True, True, True])}
    (found,) = answer_photos(scoring(tmp_path, Broken()), photos, CANDIDATES, allowed, Pieces(tmp_path / "out", {}))
    assert len(found.predictions) == 29


def test_no_link_leads_out_of_the_results(tmp_path, photos):
    """What an unfinished run keeps lies in a folder beside the results: nothing is read or written elsewhere."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    kept = Pieces(out, {})
    kept.write({"done": ["0/00.png"], "answers": [{"0/00.png": [0, 9.0, 1, False]}], "unreadable": {}})
    (piece,) = kept.folder.iterdir()
    elsewhere.mkdir()
    piece.rename(elsewhere / piece.name)
    piece.symlink_to(elsewhere / piece.name)
    with pytest.raises(InputError, match=r"000000\.json is a link that leads out of"):
        list(kept.read())
    piece.unlink()
    kept.folder.rmdir()
    kept.folder.symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"is a link that leads out of .*out; remove it"):
        Pieces(out, {})
    assert [path.name for path in elsewhere.iterdir()] == [piece.name]
    # The folder of the results may be a link itself, which is whose it is.
    (tmp_path / "link").symlink_to(tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    answer_photos(scoring(tmp_path, Model()), photos, CANDIDATES, EVERY, Pieces(tmp_path / "link", {}))
