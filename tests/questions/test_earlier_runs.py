"""What earlier versions left is understood: they called questions otherwise, and recorded no columns."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from slowpoints.app.main import main, run_command
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
def earlier(left):
    """The small run as the version before would have left it."""
    config = (left.folder / "config.yaml").read_text()
    for before, now in RENAMED.items():
        config = config.replace(f"_target_: {now}\n", f"_target_: {before}\n")
    assert "slowpoints.analysis.pca" in config
    levels = "    slow: 0.1\n    fixed: 0.01\n    neutral: mean\n"
    assert levels in config
    config = config.replace(levels, "    tolerance: 1.0e-08\n    slow_tolerance: 1.0e-06\n")
    (left.folder / "config.yaml").write_text(config)
    summary = json.loads((left.folder / "summary.json").read_text())
    del summary["columns"], summary["digests"]
    (left.folder / "summary.json").write_text(json.dumps(summary))
    return left.folder


def test_an_earlier_run_is_redrawn_and_compared(earlier, capsys):
    for name in ("figure_2a_dimensions.png", "page.png"):
        (earlier / name).unlink()
    main(["redraw", "run"])
    assert (earlier / "figure_2a_dimensions.png").is_file()
    assert (earlier / "page.png").is_file()
    (network,) = find_networks([earlier])
    assert [column.heading for column in network.columns] == ["variance in 2 PCs", "... untrained"]
    assert [verdict.claim for verdict in network.verdicts] == ["low_dimensional"]
    assert yaml.safe_load((earlier / "config.yaml").read_text()) != RunFolder(earlier).config()


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
    assert sampling.documents == 15
    assert "told by relative speed now, not by q" in caplog.text


def test_a_repeated_analysis_says_that_points_are_told_otherwise_now(earlier, left, capsys):
    asked = ["analysis=[sampling,pca]", "analysis.sampling.documents=15", "analysis.sampling.points=20", "threads=1"]
    run_command([*asked, "checkpoint=run", f"tracking.uri={left.uri}", "hydra.run.dir=again"])
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
