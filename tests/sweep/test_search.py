"""The best on validation is analysed, once that is known."""

import json

import pytest

from slowpoints.sweep.jobs import End, Job
from slowpoints.sweep.search import Search, best_trial, final_job

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
    assert best_trial(SEARCH, trials, ends).name == "fast"


@pytest.mark.parametrize("state", ["killed", "interrupted", "lost", "timed out", "not run"])
def test_nothing_is_taken_while_a_better_one_may_come(trials, state):
    end = best_trial(SEARCH, trials, {"slow": DONE, "fast": DONE, "wild": End(state)})
    assert end.state == "not run"
    assert "wild" in end.why


def test_a_search_without_any_success_says_so(trials):
    end = best_trial(SEARCH, trials, dict.fromkeys(("slow", "fast", "wild"), FAILED))
    assert end == End("not run", "no trial of the search succeeded")


def test_the_final_job_has_the_network_and_the_options_of_the_best_and_its_own_analysis(trials):
    best = trials[1]
    final = final_job(SEARCH, best)
    assert final.name == "gru-imdb"
    assert final.folder == best.folder.parent / "gru-imdb"
    assert final.config == {"rate": "fast", "analysis": {"questions": {"all": {}}}, "checkpoint": str(best.folder)}
