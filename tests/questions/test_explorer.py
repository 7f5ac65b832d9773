import json

import numpy as np
import pytest
import torch
from made import DECAY, dissect, integrator, some_data

from slowpoints.questions.explorer import WRONG, ExplorerQuestion, choose_documents, evenly
from slowpoints.report.explorer import make_explorer


@pytest.fixture(scope="module")
def of_integrator():
    return dissect(integrator())


@pytest.fixture(scope="module")
def arrays(of_integrator):
    return ExplorerQuestion(points=10, documents=8, words=5)(of_integrator).arrays


def valence(words):
    return np.sin([int(word.removeprefix("word")) for word in words.ravel()]).reshape(words.shape)


def test_every_eigenvalue_is_there_at_points_spread_along_the_line(arrays):
    assert arrays["spectra"].shape == (len(arrays["chosen"]), 6)
    assert np.abs(arrays["spectra"][:, 0]) == pytest.approx(1, abs=0.01)
    assert arrays["spectra"][:, 1:] == pytest.approx(DECAY, abs=0.02)
    place = arrays["place"][arrays["chosen"]]
    assert place[[0, -1]] == pytest.approx([arrays["place"].min(), arrays["place"].max()])
    assert (np.diff(place) > 0).all()


def test_words_are_ordered_by_their_valence_at_every_point(arrays):
    of_words = valence(arrays["words"])
    assert (of_words[:, :5] > 0.9).all()
    assert (of_words[:, 5:] < -0.9).all()
    assert (np.diff(arrays["word_projections"], axis=1) <= 0).all()
    # along the axis, one unit of the readout is one unit of the state: push and effect are the same
    assert arrays["word_effects"] == pytest.approx(arrays["word_projections"], rel=0.05)


def test_documents_are_shown_as_the_network_read_them(arrays, of_integrator):
    first, end = arrays["document_offsets"][1:3]
    words = valence(arrays["document_words"][first:end])
    steps = np.diff(arrays["document_logit"][first:end])
    assert steps == pytest.approx(arrays["document_effects"][first + 1 : end], abs=2e-4)
    assert arrays["document_projections"][first:end] == pytest.approx(0.01 * words, rel=0.05, abs=1e-6)
    assert arrays["document_logit"][first] == pytest.approx(float(arrays["initial_logit"]) + 0.01 * words[0], abs=1e-4)


def test_how_far_the_nearest_point_is_is_told_in_spreads_of_the_states(arrays, of_integrator):
    row = arrays["document_offsets"][2]  # a first word: it is read in the initial state, zero
    points = of_integrator.points.location[torch.from_numpy(arrays["chosen"]).long()]
    spread = of_integrator.states.var(dim=0, correction=0).sum().sqrt()
    expected = float(points.norm(dim=1).min() / spread)
    assert arrays["document_distances"][row] == pytest.approx(expected, rel=0.01)


def test_documents_of_both_classes_and_some_read_wrongly_are_chosen():
    data = some_data()
    data.test.labels[::3] = 1 - data.test.labels[::3]  # what the network cannot know
    dissection = dissect(integrator(), data)
    rows = choose_documents(dissection, 8)
    labels = dissection.trajectories.labels[rows]
    right = (dissection.logits(dissection.trajectories.last).numpy()[rows] > 0) == (labels == 1)
    assert len(set(rows)) == 8
    assert labels.sum() == 4
    assert (~right).sum() == 8 // WRONG


def test_points_are_chosen_evenly_and_each_once():
    values = torch.tensor([0.0, 0.01, 0.02, 1.0, 0.5])
    assert evenly(values, 3).tolist() == [0, 4, 3]
    assert evenly(values, 100).tolist() == [0, 1, 2, 4, 3]


def test_the_arrays_are_small(arrays):
    assert {array.dtype.itemsize for array in arrays.values() if array.dtype.kind in "fi"} == {4}


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="must be at least 1"):
        ExplorerQuestion(points=0)


def test_the_page_is_one_small_file_in_which_words_are_no_markup(arrays):
    nasty = {**arrays, "words": arrays["words"].astype("<U40")}
    nasty["words"][0, 0] = "</script><script>alert(1)"
    html = make_explorer("a <b> title", {"explorer": nasty}, [("A claim", "holds weakly")])
    assert len(html.encode()) < 6e6
    assert "alert(1)" in html
    assert "<script>alert(1)" not in html
    assert "a &lt;b&gt; title" in html
    assert "A claim: <b>holds weakly</b>" in html
    start = html.index('id="data">') + len('id="data">')
    data = json.loads(html[start : html.index("</script>", start)])
    assert data["words"][0][0] == "</script><script>alert(1)"
    assert np.array(data["place"]) == pytest.approx(arrays["place"], rel=1e-3)
    assert np.array(data["spectra"]).shape == (*arrays["spectra"].shape, 2)


def test_without_its_arrays_there_is_no_page():
    assert make_explorer("title", {"manifold": {}}) is None
