"""What is taken on validation is analysed, once that is known."""

import json
from types import SimpleNamespace

import pytest

from hydra_plugins.slowpoints_sweeps import sweeper as plugin
from slowpoints.errors import UserError
from slowpoints.sweep.jobs import End, Job
from slowpoints.sweep.search import Search, check_preferred, chosen_trial, final_job, option, standard_error

SEARCH = Search("gru-imdb", ["slow", "fast", "wild"], {"questions": {"all": {}}})
DONE, FAILED = End("done"), End("failed", "the loss became nan")


@pytest.fixture
def trials(tmp_path):
    jobs = []
    for name, accuracy in (("slow", 0.7), ("fast", 0.8), ("wild", None)):
        job = Job(name, tmp_path / name, {"rate": name, "analysis": {"questions": {}}})
        job.write({})
        if accuracy is not None:
            summary = {"val/accuracy": accuracy, "training/epochs": 3, "training/seconds": 2.5}
            (job.folder / "summary.json").write_text(json.dumps({"metrics": summary}))
        jobs.append(job)
    return jobs


def test_the_best_of_the_trials_that_succeeded_is_taken(trials):
    ends = {"slow": DONE, "fast": End("done before"), "wild": FAILED}
    assert chosen_trial(SEARCH, trials, ends).name == "fast"


@pytest.mark.parametrize("state", ["killed", "interrupted", "lost", "timed out", "not run"])
def test_nothing_is_taken_while_a_better_one_may_come(trials, state):
    end = chosen_trial(SEARCH, trials, {"slow": DONE, "fast": DONE, "wild": End(state)})
    assert end.state == "not run"
    assert "wild" in end.why


def test_a_search_without_any_success_says_so(trials):
    end = chosen_trial(SEARCH, trials, dict.fromkeys(("slow", "fast", "wild"), FAILED))
    assert end == End("not run", "no trial of the search succeeded")


def test_the_final_job_has_the_network_and_the_options_of_the_best_and_its_own_analysis(trials):
    best = trials[1]
    final = final_job(SEARCH, best)
    assert final.name == "gru-imdb"
    assert final.folder == best.folder.parent / "gru-imdb"
    assert final.config == {"rate": "fast", "analysis": {"questions": {"all": {}}}, "checkpoint": str(best.folder)}


def finished(folder, name, accuracy, documents=1000, **training):
    job = Job(name, folder / name, {"training": {"recurrent_l2": 0.0, "embedding_dropout": 0.0, **training}})
    job.write({})
    metrics = {"val/accuracy": accuracy, "val/documents": documents}
    (job.folder / "summary.json").write_text(json.dumps({"metrics": metrics}))
    return job


def taken(jobs, *prefer):
    search = Search("gru-imdb", [job.name for job in jobs], {}, prefer)
    return chosen_trial(search, jobs, {job.name: DONE for job in jobs}).name


def test_the_most_regularised_within_one_standard_error_of_the_best_is_taken(tmp_path):
    best = finished(tmp_path, "best", 0.9)
    assert standard_error(best.summary) == pytest.approx((0.9 * 0.1 / 1000) ** 0.5)  # .00949
    near = finished(tmp_path, "near", 0.8906, recurrent_l2=1e-3)  # .0094 below the best
    far = finished(tmp_path, "far", 0.8904, recurrent_l2=1e-2)  # .0096 below
    assert taken([best, near, far], "training.recurrent_l2") == "near"
    assert taken([best, near, far]) == "best"  # where nothing is preferred
    assert taken([best, far], "training.recurrent_l2") == "best"


def test_the_error_falls_with_the_number_of_documents(tmp_path):
    best = finished(tmp_path, "best", 0.9, 4000)
    near = finished(tmp_path, "near", 0.8906, 4000, recurrent_l2=1e-3)
    assert taken([best, near], "training.recurrent_l2") == "best"


def test_of_equally_regularised_networks_the_next_option_decides_and_then_validation(tmp_path):
    best = finished(tmp_path, "best", 0.9)
    jobs = [
        best,
        finished(tmp_path, "one", 0.895, recurrent_l2=1e-3, embedding_dropout=0.2),
        finished(tmp_path, "two", 0.893, recurrent_l2=1e-3, embedding_dropout=0.5),
        finished(tmp_path, "three", 0.894, recurrent_l2=1e-3, embedding_dropout=0.5),
    ]
    assert taken(jobs, "training.recurrent_l2") == "one"
    assert taken(jobs, "training.recurrent_l2", "training.embedding_dropout") == "three"


def test_trials_that_failed_are_not_preferred(tmp_path):
    best = finished(tmp_path, "best", 0.9)
    wild = Job("wild", tmp_path / "wild", {"training": {"recurrent_l2": 1.0}})
    search = Search("gru-imdb", ["best", "wild"], {}, ["training.recurrent_l2"])
    assert chosen_trial(search, [best, wild], {"best": DONE, "wild": FAILED}) is best


def test_a_trial_that_does_not_say_how_many_documents_it_was_validated_on_is_no_measure(tmp_path):
    best = finished(tmp_path, "best", 0.9, documents=0)
    end = chosen_trial(Search("gru-imdb", ["best"], {}, ["training.recurrent_l2"]), [best], {"best": DONE})
    assert end.state == "not run"
    assert "train it again" in end.why


@pytest.mark.parametrize("key", ["training.recurent_l2", "training", "training.rate.size", "name", "on"])
def test_only_numeric_options_are_preferred(key):
    with pytest.raises(UserError, match=f"hydra.sweeper.prefer: {key} must be an option that is a number"):
        option({"training": {"rate": 1e-3}, "name": "gru", "on": True}, key)


@pytest.mark.parametrize("given", ["training.rate", ["training.rate"]])
def test_the_sweeper_hands_on_what_is_preferred(monkeypatch, given):
    handed = []
    monkeypatch.setattr("slowpoints.app.sweep.run_search", lambda *arguments: handed.append(arguments[1:]))
    monkeypatch.setattr(plugin.JobSweeper, "combinations", lambda self, arguments, more=None: more or {})
    choices = {"training.rate": "1,2"}
    sweeper = plugin.JobSweeper(search=choices, prefer=given)  # as Hydra loaded it last
    sweeper.launcher = SimpleNamespace(run_jobs=None)
    sweeper.sweep([])
    assert handed == [({}, choices, ["training.rate"])]


def test_a_preference_that_cannot_decide_is_refused():
    configs = [{"training": {"recurrent_l2": 0.1, "rate": rate}} for rate in (1, 2)]
    check_preferred(["training.recurrent_l2", "training.rate"], configs)
    check_preferred([], configs)
    with pytest.raises(UserError, match="all networks of the search have the same"):
        check_preferred(["training.recurrent_l2"], configs)
