"""Jobs in processes: each ends for itself."""

import subprocess
import sys
import textwrap
import time
from unittest.mock import Mock

import pytest

from slowpoints.errors import UserError
from slowpoints.options import checked
from slowpoints.sweep import local, processes
from slowpoints.sweep.jobs import End, Job
from slowpoints.sweep.local import LocalOptions, run_here, slots
from slowpoints.sweep.processes import Processes, Slots

GOOD = "open(folder + '/summary.json', 'w').write('{\"metrics\": {}}')"
WAIT = """
import signal, time
def stop(*_): sys.exit(75)
signal.signal(signal.SIGTERM, stop)
open(folder + '/started', 'w')
time.sleep(60)
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make jobs that run a piece of code."""
    codes = {}

    def command(job):
        code = f"import os, sys\nfolder = {str(job.folder)!r}\n{textwrap.dedent(codes[job.name])}"
        return [sys.executable, "-c", code]

    monkeypatch.setattr(processes, "command", command)

    def make_job(name, code):
        codes[name] = code
        job = Job(name, tmp_path / name, {"arch": {"name": name}})
        job.write({})
        return job

    return make_job


def run(jobs, places=2, threads=1, timeout=None):
    ends = {}
    Processes(jobs, Slots([None] * places, threads, timeout), ends).run()
    return ends


def test_what_happens_to_one_job_leaves_the_others_whole(make):
    jobs = [
        make("good", GOOD),
        make("raises", "raise ValueError('no such luck')"),
        make("killed", "os.kill(os.getpid(), 9)"),
        make("empty", "pass"),
        make("another", GOOD),
    ]
    ends = run(jobs)
    assert ends["good"] == ends["another"] == End("done")
    assert ends["raises"] == End("failed", "ValueError: no such luck")
    assert ends["killed"].state == "killed"
    assert "SIGKILL" in ends["killed"].why
    assert ends["empty"].state == "failed"  # it left no results, whatever its exit code says
    assert "Traceback" in jobs[1].log.read_text()


def test_a_job_that_takes_too_long_is_stopped(make):
    ends = run([make("long", WAIT), make("good", GOOD)], timeout=2)
    assert ends["long"].state == "timed out"
    assert ends["good"].good


def test_a_job_that_does_not_stop_is_killed(make, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.5)
    deaf = WAIT.replace("def stop(*_): sys.exit(75)", "def stop(*_): pass")
    assert run([make("deaf", deaf)], timeout=1)["deaf"].state == "timed out"


def test_no_more_jobs_run_at_a_time_than_there_are_places_and_each_has_its_threads(make, tmp_path):
    code = """
    import time
    started = time.time()
    time.sleep(0.3)
    open(folder + '/times', 'w').write(f"{started} {time.time()} {os.environ['OMP_NUM_THREADS']}")
    """
    jobs = [make(f"job{index}", code + GOOD) for index in range(5)]
    run(jobs, places=2, threads=3)
    spans = [(job.folder / "times").read_text().split() for job in jobs]
    assert {threads for _, _, threads in spans} == {"3"}
    times = [(float(start), float(end)) for start, end, _ in spans]
    assert max(sum(start <= moment < end for start, end in times) for moment, _ in times) <= 2


def test_an_interrupt_stops_what_runs_and_starts_nothing_else(make, monkeypatch):
    first, second = make("first", WAIT), make("second", GOOD)
    ends = {}
    sleep = time.sleep

    def interrupt(seconds):
        sleep(seconds)
        if (first.folder / "started").exists() and "first" not in ends:
            monkeypatch.setattr(time, "sleep", sleep)
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Processes([first, second], Slots([None], 1), ends).run()
    assert ends == {"first": End("interrupted", "can be resumed")}


def test_a_job_learns_of_the_death_of_whoever_started_it(tmp_path):
    code = """
    import os, sys, threading, time
    from slowpoints.app.resume import _stop_with_parent
    from slowpoints.interruption import STOP
    STOP.listen()
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    print("ready", flush=True)
    time.sleep(60)
    """
    job = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert job.stdout.readline() == "ready\n"
    job.stdin.close()
    assert job.wait(timeout=30) == 75


@pytest.mark.parametrize(
    ("options", "jobs", "places", "threads"),
    [
        ({}, 12, 4, 1),
        ({}, 2, 2, 2),
        ({}, 1, 1, 4),
        ({"n_jobs": 2}, 12, 2, 2),
        ({"n_jobs": 8}, 12, 8, 1),
        ({"threads": 2}, 12, 2, 2),
        ({"threads": 8}, 12, 1, 8),
    ],
)
def test_threads_and_jobs_fill_the_cores_and_no_more(monkeypatch, options, jobs, places, threads):
    monkeypatch.setattr(local, "available_cores", lambda: 4)
    monkeypatch.setattr(local, "available_memory", lambda: 100e9)
    chosen = slots(LocalOptions(**options), jobs, [])
    assert (len(chosen.gpus), chosen.threads) == (places, threads)


def test_what_is_left_of_a_sweep_runs_with_the_threads_of_the_whole(monkeypatch, tmp_path):
    monkeypatch.setattr(local, "available_cores", lambda: 4)
    chosen = []
    monkeypatch.setattr(local, "Processes", lambda jobs, slots, ends: chosen.append((jobs, slots)) or Mock())
    jobs = [Job(name, tmp_path, {"training": {"accelerator": "cpu"}}) for name in "abcd"]
    run_here(jobs, LocalOptions(), dict.fromkeys("abc", End("done before")))
    (missing, shared), *_ = chosen
    assert [job.name for job in missing] == ["d"]
    assert shared.threads == 1


def test_memory_limits_the_number_of_jobs(monkeypatch):
    monkeypatch.setattr(local, "available_cores", lambda: 64)
    monkeypatch.setattr(local, "available_memory", lambda: 10e9)
    assert len(slots(LocalOptions(), 12, []).gpus) == 5
    monkeypatch.setattr(local, "available_memory", lambda: 1e9)
    assert len(slots(LocalOptions(), 12, []).gpus) == 1


def test_jobs_are_spread_over_gpus_and_may_share_them():
    assert slots(LocalOptions(), 12, ["0", "1"]).gpus == ["0", "1"]
    assert slots(LocalOptions(jobs_per_gpu=2), 12, ["0", "1"]).gpus == ["0", "1", "0", "1"]
    assert slots(LocalOptions(jobs_per_gpu=2), 1, ["0", "1"]).gpus == ["0"]


def test_the_gpus_that_are_visible_are_used(monkeypatch, tmp_path):
    job = Job("gru", tmp_path, {"training": {"accelerator": "auto"}})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert local.gpus_for([job]) == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert local.gpus_for([job]) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert local.gpus_for([Job("gru", tmp_path, {"training": {"accelerator": "cpu"}})]) == []


@pytest.mark.parametrize("option", ["n_jobs", "threads", "timeout_minutes", "jobs_per_gpu"])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(UserError, match=f"hydra.launcher.{option}"):
        checked(LocalOptions, {option: 0}, "hydra.launcher")
