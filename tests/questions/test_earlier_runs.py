"""What earlier versions left is understood: they called questions otherwise, and recorded no columns."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from hydra import compose, initialize_config_dir

from slowpoints.app.main import config_folder, main, run_command
from slowpoints.app.trust import check_trust, recorded_options
from slowpoints.errors import UserError
from slowpoints.questions.fixed_points import FixedPointQuestion
from slowpoints.questions.manifold import ManifoldQuestion
from slowpoints.questions.own import own_question, own_questions
from slowpoints.questions.question import Question
from slowpoints.runs.folder import RunFolder
from slowpoints.runs.targets import RENAMED, with_present_names
from slowpoints.sweep.folder import read_sweep
from slowpoints.sweep.networks import find_networks
from slowpoints.sweep.options import check_options, essence


@pytest.mark.parametrize("before", RENAMED)
def test_every_class_of_earlier_versions_has_its_successor(before, tmp_path):
    config = {"analysis": {"questions": {"asked": {"_target_": before, "points": 3}}, "others": [{"_target_": before}]}}
    renamed = with_present_names(config)
    assert renamed["analysis"]["questions"]["asked"] == {"_target_": RENAMED[before], "points": 3}
    assert renamed["analysis"]["others"] == [{"_target_": RENAMED[before]}]
    (question,) = own_questions(renamed)
    assert issubclass(question, Question)
    check_trust(renamed, tmp_path, [])


@pytest.mark.parametrize(
    "target",
    [
        "slowpoints.questions.pca.Question",
        "slowpoints.questions.pca.np.load",
        "slowpoints.questions.answers.Answers",
        "slowpoints.questions.nothing.Question",
        "os.system",
        "",
        None,
    ],
)
def test_nothing_else_is_taken_for_a_question_of_the_project(target):
    assert own_question(target) is None


@pytest.fixture
def kept(store, tmp_path):
    """A run that the version before left; the current folder is the one around it."""
    shutil.copytree(Path(__file__).parents[1] / "fixtures" / "earlier_run", tmp_path / "run")
    assert "slowpoints.analysis.pca" in (tmp_path / "run" / "config.yaml").read_text()
    assert "source: synthetic" in (tmp_path / "run" / "config.yaml").read_text()
    return tmp_path / "run"


@pytest.fixture
def earlier(kept):
    """The same as a version before that would have left it: without digests."""
    summary = json.loads((kept / "summary.json").read_text())
    del summary["digests"]
    assert "columns" not in summary
    (kept / "summary.json").write_text(json.dumps(summary))
    return kept


def test_an_earlier_run_is_of_the_options_that_it_was_begun_with(kept):
    small = ["arch.hidden_size=4", "arch.embedding_size=3", "threads=1", "training.accelerator=cpu"]
    words = ["data.documents=200", "data.longest=20", "data.neutral_words=30", "data.sentiment_words=30"]
    longer = ["training.max_epochs=20", "training.rate=0.02", "training.batch_size=16"]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        now = check_options(compose("config", overrides=[*small, *words, *longer])).model_dump(mode="json")
    before = RunFolder(kept).config()
    for section in ("arch", "data", "training", "seed"):
        assert essence(before)[section] == essence(now)[section], section


def test_an_earlier_run_is_redrawn(kept):
    main(["redraw", "run"])
    questions = own_questions(RunFolder(kept).config())
    assert len(questions) == 16
    figures = {figure for question in questions for figure in question.figures}
    drawn = {file.stem for file in kept.glob("*.png")}
    assert drawn == figures | {"page"}
    assert (kept / "explorer.html").stat().st_size > 0
    assert yaml.safe_load((kept / "config.yaml").read_text()) != RunFolder(kept).config()


def test_an_earlier_run_is_compared(kept):
    networks = list(find_networks([kept]))
    assert len(networks[0].verdicts) == 15
    assert networks[0].data == "synthetic"
    assert {"pca/variance_explained_2", "linear_rnn/test_accuracy"} <= {each.metric for each in networks[0].columns}
    main(["compare", "run", "--no-mlflow"])
    metrics = RunFolder(kept).summary()["metrics"]
    assert f"{metrics['modes/tau_1_median']:.0f}" in (kept / "comparison.md").read_text()


def test_an_earlier_run_is_repeated_to_the_same_numbers(kept, store):
    small = [
        "analysis=[sampling,bow,pca,shuffled_words]",
        "analysis.sampling.documents=20",
        "analysis.sampling.points=20",
    ]
    run_command(["checkpoint=run", *small, "threads=1", f"tracking.uri={store}", "hydra.run.dir=again"])
    before, again = RunFolder(kept).summary()["metrics"], RunFolder(kept.parent / "again").summary()["metrics"]
    same = [name for name in again if name.startswith(("test/", "val/", "bow/", "pca/", "shuffled_words/"))]
    assert len(same) > 15
    np.testing.assert_allclose([again[name] for name in same], [before[name] for name in same], rtol=1e-5)


def test_figures_of_points_are_drawn_from_what_an_earlier_version_left(earlier):
    plane, logit = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), np.array([-1.0, 0.0, 1.0])
    points = {"plane": plane, "logit": logit, "speed": np.array([1e-9, 1e-8, 1e-3])}
    found = {"status": np.array([0, 0, 2]), "outside": np.array([False, True, False]), "tolerance": np.array(1e-8)}
    slow = {"status": np.array([0, 0, 0]), "tolerance": np.array(1e-6)}  # one that knew of no `outside`
    behind = {"visited_plane": plane, "variance_explained": np.array([0.7, 0.2]), "explained": np.array([0.7, 0.2])}
    of_slow = {f"slow_{name}": array for name, array in (points | slow).items()}
    np.savez(earlier / "arrays" / "fixed_points.npz", **behind, **points, **found, **of_slow)
    place = {"theta": logit, "place": logit, "position": logit, "by_theta": np.array(True)}
    np.savez(earlier / "arrays" / "manifold.npz", **behind, **points, **place, tolerance=np.array(1e-6))
    arrays = RunFolder(earlier).arrays(["fixed_points", "manifold"])
    figure = FixedPointQuestion.figures["fixed_points"].figure(arrays["fixed_points"])
    assert [axes.get_title() for axes in figure.axes[:2]] == [
        "3 of 3: q < 1e-06",
        "1 of 3: q < 1e-08",
    ]
    figure = ManifoldQuestion.figures["figure_2c_manifold"].figure(arrays["manifold"])
    assert figure.axes[0].get_title() == "3 points, q < 1e-06"


def test_an_interrupted_run_goes_on_with_relative_speeds_and_says_so(earlier, caplog):
    (earlier / "summary.json").unlink()
    usual = yaml.safe_load((Path(__file__).parents[2] / "conf" / "analysis" / "sampling.yaml").read_text())["sampling"]
    with caplog.at_level("WARNING"):
        sampling = recorded_options(earlier, []).analysis.sampling
    assert (sampling.slow, sampling.fixed) == (usual["slow"], usual["fixed"])
    assert sampling.neutral == "zero"  # as it was
    assert sampling.documents == 20
    assert "told by relative speed now, not by q" in caplog.text


def test_a_repeated_analysis_says_that_points_are_told_otherwise_now(earlier, store, capsys):
    asked = ["analysis=[sampling,pca]", "analysis.sampling.documents=15", "analysis.sampling.points=20", "threads=1"]
    run_command([*asked, "checkpoint=run", f"tracking.uri={store}", "hydra.run.dir=again"])
    assert "told slow points by q; now they are told by relative speed" in capsys.readouterr().err
    assert RunFolder(Path("again")).config()["analysis"]["sampling"]["neutral"] == "mean"


@pytest.mark.parametrize("before", ["speed", "q"])
def test_arrays_are_read_under_their_present_names(before, earlier):
    values, slow = np.array([1e-9, 1e-7]), np.array([1e-7, 1e-6])
    left = {"status": np.array([0, 2]), before: values, f"slow_{before}": slow}
    np.savez(earlier / "arrays" / "fixed_points.npz", **left)
    np.savez(earlier / "arrays" / "explorer.npz", **{before: values})
    np.savez(earlier / "arrays" / "someones.npz", speed=values)
    arrays = RunFolder(earlier).arrays(["fixed_points", "explorer", "someones"])
    assert {name: sorted(each) for name, each in arrays.items()} == {
        "explorer": ["q"],
        "fixed_points": ["q", "slow_q", "status"],
        "someones": ["speed"],
    }
    np.testing.assert_array_equal(arrays["fixed_points"]["q"], values)
    np.testing.assert_array_equal(arrays["fixed_points"]["slow_q"], slow)


def test_what_a_run_records_is_not_believed_whatever_it_is(earlier):
    summary = json.loads((earlier / "summary.json").read_text())
    for column in ({"metric": "a"}, {"metric": "a", "heading": "a", "format": ".999999999f"}, "a"):
        (earlier / "summary.json").write_text(json.dumps({**summary, "columns": [column]}))
        with pytest.raises(UserError, match="verdicts or columns that are none"):
            find_networks([earlier])


def test_a_sweep_that_an_earlier_version_began_is_understood(tmp_path):
    before, now = "slowpoints.analysis.modes.ModesAnalysis", "slowpoints.questions.modes.ModesQuestion"
    options = {"questions": {"modes": {"_target_": before}}}
    RunFolder(tmp_path / "trial").write_about("trial", {}, {"analysis": options})
    search = {"name": "best", "trials": ["trial"], "analysis": options}
    (tmp_path / "sweep.json").write_text(json.dumps({"id": "abc", "jobs": ["trial"], "searches": [search]}))
    sweep = read_sweep(tmp_path)
    assert sweep.searches[0].analysis == {"questions": {"modes": {"_target_": now}}}
    assert sweep.jobs[0].config == {"analysis": {"questions": {"modes": {"_target_": now}}}}
