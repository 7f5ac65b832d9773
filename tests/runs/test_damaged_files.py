"""Each kind of file of a run, damaged in every way: whoever reads it names it, and what to do, with exit code 2."""

import json
import logging
from pathlib import Path

import mlflow
import numpy as np
import pytest

from runs.damage import DAMAGES, damage
from slowpoints.app.checkpoint import open_checkpoint
from slowpoints.app.main import main
from slowpoints.errors import DamagedFile
from slowpoints.runs.folder import RunFolder
from slowpoints.runs.reading import json_mapping, read_file, yaml_mapping
from slowpoints.sweep.recorded import result_folders

CONFIG, SUMMARY, TOKENIZER, WEIGHTS = "config.yaml", "summary.json", "tokenizer.json", "model.safetensors"
ARRAYS, STATE = "arrays/pca.npz", "tracking/state.json"
READS = {
    "resume": (CONFIG, SUMMARY, TOKENIZER, WEIGHTS, ARRAYS),
    "checkpoint": (CONFIG, SUMMARY, TOKENIZER, WEIGHTS),
    "redraw": (SUMMARY, ARRAYS),
    "compare": (CONFIG, SUMMARY),
    "upload": (STATE,),
}
# Without this file a run is no finished one, which is no damage.
NO_DAMAGE = {("resume", SUMMARY, "gone"), ("compare", SUMMARY, "gone"), ("compare", CONFIG, "gone")}
CASES = [
    (command, name, kind)
    for command, names in READS.items()
    for name in names
    for kind in DAMAGES
    if (command, name, kind) not in NO_DAMAGE
]


def said_by(capsys, command, left):
    """Return the exit code of a command on the run's folder, and what it said to the error stream."""
    arguments = {
        "resume": ["resume", "run"],
        "checkpoint": ["run", "checkpoint=run", "analysis=none", "hydra.run.dir=again", f"tracking.uri={left.uri}"],
        "redraw": ["redraw", "run"],
        "compare": ["compare", "run", "--into", "out", "--no-mlflow"],
        "upload": ["upload", "run"],
    }[command]
    code = 0
    try:
        main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    return code, capsys.readouterr().err


@pytest.mark.parametrize(("command", "name", "kind"), CASES)
def test_a_damaged_file_is_named_by_whoever_reads_it(left, capsys, tmp_path, command, name, kind):
    damage(left.folder / name, kind)
    before = {file: file.stat().st_mtime_ns for file in left.folder.rglob("*")}
    code, said = said_by(capsys, command, left)
    assert code == 2, said
    assert said.count("error: ") == 1
    assert name in said
    assert "Traceback" not in said
    assert {file: file.stat().st_mtime_ns for file in left.folder.rglob("*") if file.name != ".lock"} == before
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("kind", ["emptied", "cut", "other JSON", "no text", "gone"])
@pytest.mark.parametrize(
    ("command", "name"),
    [("checkpoint", CONFIG), ("checkpoint", WEIGHTS), ("redraw", ARRAYS), ("compare", CONFIG)],
)
def test_a_run_of_an_earlier_version_has_no_digests_and_damage_is_named_all_the_same(left, capsys, command, name, kind):
    forget_digests(left.folder)
    damage(left.folder / name, kind)
    code, said = said_by(capsys, command, left)
    assert code == 2, said
    assert "Traceback" not in said
    assert kind == "gone" or name in said


def forget_digests(folder):
    summary = json.loads((folder / SUMMARY).read_text())
    del summary["digests"]
    (folder / SUMMARY).write_text(json.dumps(summary))


def test_a_run_of_an_earlier_version_is_read(left, capsys):
    forget_digests(left.folder)
    assert said_by(capsys, "resume", left)[0] == 0
    assert said_by(capsys, "redraw", left)[0] == 0
    code, said = said_by(capsys, "checkpoint", left)
    assert code == 0, said


def test_arrays_of_something_else_in_a_run_without_digests_are_named(left, capsys):
    forget_digests(left.folder)
    np.savez(left.folder / ARRAYS, unknown=np.zeros(3))
    code, said = said_by(capsys, "redraw", left)
    assert code == 2
    assert ARRAYS in said


def test_one_bit_of_any_result_is_noticed(left):
    run = RunFolder(left.folder)
    run.check()
    for name in (CONFIG, SUMMARY, TOKENIZER, WEIGHTS, ARRAYS):
        whole = (left.folder / name).read_bytes()
        for place in (0, len(whole) // 3, len(whole) - 2):
            (left.folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(DamagedFile, match=name):
                run.check()
        (left.folder / name).write_bytes(whole)
    run.check()


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind not in ("gone", "flipped")])
def test_what_a_job_was_told_must_be_readable_to_go_on_with_it(left, capsys, kind):
    (left.folder / SUMMARY).unlink()
    RunFolder(left.folder).write_about("one", {"sweep": "1"}, {})
    damage(left.folder / "job.json", kind)
    code, said = said_by(capsys, "resume", left)
    assert code == 2
    assert "job.json" in said
    assert "the sweep's own command writes it again" in said


def test_records_are_put_straight_whatever_became_of_the_folder(left, capsys):
    for name in (CONFIG, SUMMARY, STATE, "tracking/journal.jsonl"):
        damage(left.folder / name, "no text")
    with pytest.raises(SystemExit) as stopped:
        main(["reconcile", "--uri", left.uri])
    assert stopped.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        b"5",
        b'{"metrics": 5, "time": 1}',
        b'{"metrics": {"a": "b"}, "time": 1}',
        b'{"tame": 1, "end": "FINISHED"}',
        b'{"time": 1, "end": "FINISHEE"}',
        b'{"time": 1, "run": {"name": "x"}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_damaged_line_of_a_journal_is_passed_over(left, capsys, line):
    journal = left.folder / "tracking" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + line + b'\n{"time": 1, "tags": {"later": "yes"}}\n')
    code, said = said_by(capsys, "upload", left)
    assert code == 0, said


def test_a_journal_sends_no_file_from_outside_its_folder(left, capsys, caplog, tmp_path):
    (tmp_path / "secret").write_text("secret")
    journal = left.folder / "tracking" / "journal.jsonl"
    for name in ("../secret", str(tmp_path / "secret")):
        journal.write_text(journal.read_text() + json.dumps({"time": 1, "file": name}) + "\n")
    with caplog.at_level(logging.WARNING):
        assert said_by(capsys, "upload", left)[0] == 0
    assert caplog.text.count("is not in the run's folder") == 2


def record(left, store, names):
    """Give the files of a run to MLflow, and return its id."""
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as run:
        for name in names:
            parent = str(Path(name).parent)
            mlflow.log_artifact(str(left.folder / name), None if parent == "." else parent)
    return run.info.run_id


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", [CONFIG, SUMMARY, TOKENIZER, WEIGHTS])
def test_a_damaged_copy_of_a_checkpoint_is_brought_again(left, store, tmp_path, caplog, name, kind):
    identity = record(left, store, (CONFIG, SUMMARY, TOKENIZER, WEIGHTS))
    expected = open_checkpoint(identity, store, tmp_path)
    damage(tmp_path / "checkpoints" / identity / name, kind)
    assert open_checkpoint(identity, store, tmp_path) == expected
    RunFolder(tmp_path / "checkpoints" / identity).weights()
    assert kind == "gone" or "it is brought again from MLflow" in caplog.text


@pytest.mark.parametrize("name", [CONFIG, SUMMARY])
def test_a_damaged_copy_for_a_comparison_is_brought_again(left, store, tmp_path, name):
    record(left, store, (CONFIG, SUMMARY))
    (run,) = mlflow.search_runs(experiment_names=["Default"], output_format="list")
    (copy,) = result_folders(store, [run], tmp_path / "copies")
    damage(copy / name, "cut")
    (again,) = result_folders(store, [run], tmp_path / "copies")
    assert (again / name).read_bytes() == (left.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("parse", "content"),
    [
        (yaml_mapping, b"a: &a [x, x]\nb: [*a, *a]"),  # what a bomb is made of
        (yaml_mapping, b"a: !!python/object/apply:os.getcwd []"),
        (yaml_mapping, b"1: 2"),
        (yaml_mapping, b"[" * 2000),
        (json_mapping, b"[" * 100_000),
        (json_mapping, b"null"),
    ],
)
def test_what_is_not_plain_is_not_read(tmp_path, parse, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DamagedFile, match="is damaged"):
        read_file(tmp_path / "file", parse, "")
