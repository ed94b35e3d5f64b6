"""What the host keeps of a training: where it is recorded, who has converged, and that JSON loses nothing."""

import json

import numpy as np
import pytest

from sims.training.record import TOLERANCE, Record, last_change, phase_ends, stops
from tests import seeds

pytestmark = pytest.mark.simulation


def test_phases_double_and_end_at_the_last_step():
    assert phase_ends(800) == [25, 50, 100, 200, 400, 800]
    assert phase_ends(1000) == [31, 62, 125, 250, 500, 1000]
    assert phase_ends(3) == [3]


def test_stops_rise_and_say_where_their_phase_began_and_ends():
    found = stops(100)
    assert [stop.step for stop in found] == sorted({stop.step for stop in found})
    assert [stop.step for stop in found if stop.ends_phase] == [25, 50, 100]
    assert {stop.phase_start for stop in found} == {0, 25, 50}
    assert all(stop.phase_start < stop.step <= (stop.phase_start or 12.5) * 2 for stop in found)


def test_change_is_the_largest_of_the_mean_over_runs():
    first = np.array([[[0.5, 0.5]], [[0.7, 0.1]]])  # runs, prompts, groups
    second = first + np.array([[[0.1, -0.3]], [[-0.1, -0.1]]])
    assert last_change([first, second]) == pytest.approx(0.2)
    assert last_change([first]) is None


def recorded(changes, steps=100):
    """A record of two learners over the phases of the steps; the second moves by `changes` in each of the last two."""
    rng = seeds.generator(0)
    record = Record(["still", "moving"], steps)
    averages = {"still": rng.random((3, 2, 2)), "moving": rng.random((3, 2, 2))}
    for stop in stops(steps):
        training = record.training
        record.add(stop.step, {name: rng.random((3, 2, 2), np.float32) for name in ("still", "moving")})
        if stop.ends_phase:
            averages["moving"] = averages["moving"] + changes
            for name in training:
                if record.end_phase(name, stop.step, averages[name]):
                    record.finish(name, stop.step, averages[name])
    return record


def test_a_learner_finishes_after_half_of_the_steps_if_it_stands_still():
    record = recorded(2 * TOLERANCE)
    assert not record.training
    still, moving = record.finished["still"], record.finished["moving"]
    assert (still.steps, still.converged, still.last_change) == (50, True, 0.0)
    assert (moving.steps, moving.converged) == (100, False) and moving.last_change == pytest.approx(2 * TOLERANCE)
    assert still.trajectory_steps[-1] == 50 and moving.trajectory_steps[-1] == 100
    assert still.trajectory.shape == (len(still.trajectory_steps), 3, 2, 2)
    assert recorded(0.5 * TOLERANCE).finished["moving"].converged
    # Of 200 steps it stands still from the 25th on, and is not done before the 100th.
    assert recorded(2 * TOLERANCE, 200).finished["still"].steps == 100


def test_json_keeps_every_bit():
    record = recorded(0.1)
    again = Record.from_json(["still", "moving"], 100, json.loads(json.dumps(record.to_json())))
    assert again.to_json() == record.to_json()
    for name, result in record.finished.items():
        np.testing.assert_array_equal(again.finished[name].trajectory, result.trajectory)
        np.testing.assert_array_equal(again.finished[name].accuracies, result.accuracies)
