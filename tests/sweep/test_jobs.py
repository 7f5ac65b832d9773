"""Names, identities and ends of jobs."""

import json

import pytest

from slowpoints.sweep.jobs import Job, job_names, read_job, sweep_id


def config(arch="lstm", data="imdb", **more):
    return {"arch": {"name": arch}, "data": {"name": data}, "threads": None, **more}


@pytest.mark.parametrize(
    ("overrides", "configs", "names"),
    [
        ([["arch=lstm", "data=imdb"], ["arch=rnn", "data=imdb"]], [config(), config("rnn")], ["lstm-imdb", "rnn-imdb"]),
        ([["seed=0"], ["seed=1"]], [config(), config()], ["lstm-imdb-seed0", "lstm-imdb-seed1"]),
        (
            [["training.rate=0.01", "training.batch_size=8"], ["training.rate=0.1", "training.batch_size=8"]],
            [config(), config()],
            ["lstm-imdb-rate0.01", "lstm-imdb-rate0.1"],
        ),
        (
            [["analysis=none"], ["analysis=quick"]],
            [config(), config()],
            ["lstm-imdb-analysis-none", "lstm-imdb-analysis-quick"],
        ),
        ([["+a.b=x/../y"], ["+a.b=z"]], [config(), config()], ["lstm-imdb-b-x_.._y", "lstm-imdb-b-z"]),
        ([["seed=1"], ["seed=1"]], [config(), config()], ["lstm-imdb", "lstm-imdb-2"]),
    ],
)
def test_jobs_are_named_by_what_varies(overrides, configs, names):
    assert job_names(overrides, configs) == names


def test_a_sweep_is_the_same_in_any_order_and_with_any_number_of_threads():
    one, two = config("lstm"), config("rnn")
    assert sweep_id([one, two]) == sweep_id([{**two, "threads": 2}, one])
    assert sweep_id([one, two]) != sweep_id([one, {**two, "seed": 1}])


def test_a_job_is_done_when_its_folder_has_results_of_the_same_options(tmp_path):
    job = Job("lstm-imdb", tmp_path / "lstm-imdb", config(rate=1e-8))
    assert not job.is_done
    job.write({"sweep": "1"})
    assert not job.is_done
    (job.folder / "summary.json").write_text(json.dumps({"metrics": {"test/accuracy": 0.5}}))
    assert job.is_done
    assert read_job(job.folder) == job
    assert Job(job.name, job.folder, config(rate=1e-8) | {"threads": 3}).is_done
    assert not Job(job.name, job.folder, config(rate=2e-8)).is_done
