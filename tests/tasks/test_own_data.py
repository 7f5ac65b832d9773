"""Data sets that are written outside the package are like those of the project, as the documents say."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from slowpoints.app.main import main, run_command
from slowpoints.app.trust import trust_option
from slowpoints.runs.folder import RunFolder
from slowpoints.sweep.options import essence

DOCS = Path(__file__).parents[2] / "docs"
SMALL = ["arch.hidden_size=6", "arch.embedding_size=5", "training.max_epochs=2", "training.accelerator=cpu"]
SMALL += ["threads=1", "analysis.sampling.documents=15", "analysis.sampling.points=20"]


@pytest.fixture
def blocks(store, monkeypatch):
    """The code in the documents, by language; the first class and its options are in files as they say."""
    found = re.findall(r"```(\w+)\n(.*?)```", (DOCS / "own-data.md").read_text(), re.S)
    by_language = {kind: [code for language, code in found if language == kind] for kind in ("python", "yaml", "sh")}
    Path("my_data.py").write_text(by_language["python"][0])
    Path("my_conf/data").mkdir(parents=True)
    Path("my_conf/data/weather.yaml").write_text(by_language["yaml"][0])
    monkeypatch.syspath_prepend(str(Path.cwd()))
    for name in ("my_data", "my_sums"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return {**by_language, "run": by_language["sh"][1].split()[3:], "store": f"tracking.uri={store}"}


def test_documents_of_ones_own_are_trained_on_asked_about_compared_and_repeated(blocks, capsys):
    quick = "analysis=[sampling,bow,pca,fixed_points,valence_words]"
    run_command([*blocks["run"], *SMALL, quick, blocks["store"], "hydra.run.dir=out"])
    summary = RunFolder(Path("out")).summary()
    assert summary["failures"] == {}
    assert summary["metrics"]["test/accuracy"] > 0.5
    assert summary["metrics"]["bow/test_accuracy"] > 0.6
    assert "of 30 test documents right" in summary["title"]  # a tenth of 300
    assert Path("out/page.png").stat().st_size > 0
    config = RunFolder(Path("out")).config()
    assert config["data"].items() >= {"_target_": "my_data.Weather", "reports": 300, "worst": "rain"}.items()
    assert json.loads(RunFolder(Path("out")).tokenizer() or "")["model"]["vocab"].keys() >= {"rain", "sun"}
    assert trust_option(config) == " trust=my_data"

    main(["compare", "out", "--no-mlflow"])
    assert "| gru-weather |" in Path("out/comparison.md").read_text()
    repeat = ["checkpoint=out", *SMALL[-2:], "analysis=[sampling,pca]", blocks["store"], "hydra.run.dir=again"]
    with pytest.raises(SystemExit):
        run_command(repeat)
    assert "data._target_ is my_data.Weather, which is no cell, question or data set" in capsys.readouterr().err
    run_command([*repeat, "trust=my_data"])
    again = RunFolder(Path("again")).summary()["metrics"]
    assert again["test/loss"] == summary["metrics"]["test/loss"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data.reports=0", "data.reports: must be greater than 0, got 0"),
        ("data.reports=many", "data.reports: must be a valid integer"),
        ("+data.max_length=-3", "data.max_length: must be greater than 0, got -3"),
        ("data.max_length=3", "one that its class has beyond these is given with +data.max_length="),
        ("+data.repotrs=3", "data.repotrs: there is no such option; did you mean data.reports?"),
        ("data._target_=my_data.Wether", "data: cannot import my_data.Wether"),
    ],
)
def test_its_options_are_checked_before_anything_begins(blocks, option, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        run_command([*blocks["run"], *SMALL, blocks["store"], "hydra.run.dir=out", option])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_changed_class_is_not_served_from_the_cache(blocks):
    from slowpoints.sweep.options import data_class
    from slowpoints.text.load import cache_file

    options = data_class(yaml.safe_load(blocks["yaml"][0])).model_validate({"name": "weather"})
    before = cache_file(options, Path("cache"), 0)
    assert cache_file(options, Path("cache"), 0) == before
    Path("my_data.py").write_text(blocks["python"][0].replace('"sun"', '"hail"'))
    assert cache_file(options, Path("cache"), 0) != before


def test_a_task_of_ones_own_is_trained_asked_about_and_compared(blocks, capsys):
    Path("my_sums.py").write_text(blocks["python"][1])
    Path("my_conf/data/sum.yaml").write_text("_target_: my_sums.Sum\nname: sum\n")
    none = [f"training.{name}_dropout=0" for name in ("embedding", "word", "readout")]
    asked = "analysis=[sampling,pca,fixed_points,inputs]"
    options = ["--config-dir", "my_conf", "data=sum", *SMALL, *none, asked, blocks["store"]]
    longer = ["training.max_epochs=4", "training.batch_size=10", "training.rate=0.02"]
    run_command([*options, *longer, "hydra.run.dir=out"])
    said = capsys.readouterr().out
    summary = RunFolder(Path("out")).summary()
    assert summary["failures"] == {}
    assert summary["metrics"]["test/r2"] > 0.8
    assert summary["metrics"]["val/r2"] > 0.8
    assert "test/accuracy" not in summary["metrics"]
    assert f"gru-sum: r2 {summary['metrics']['test/r2']:.3f} on the test sequences" in said
    assert summary["findings"]["inputs"].startswith("No answer: it is asked of the logit of two classes")
    assert "searches came to a relative speed below" in summary["findings"]["fixed_points"]
    assert not Path("out/tokenizer.json").exists()
    assert (Path("out") / "figure_2b_states.png").is_file()

    main(["redraw", "out"])
    main(["compare", "out", "--no-mlflow"])
    assert "| network | test r2 | validation r2 |" in Path("out/comparison.md").read_text()
    run_command(["checkpoint=out", *SMALL[-2:], "analysis=none", blocks["store"], "hydra.run.dir=b", "trust=my_sums"])
    assert RunFolder(Path("b")).summary()["metrics"]["test/r2"] == summary["metrics"]["test/r2"]


def test_options_of_a_class_that_is_not_imported_all_count(blocks):
    config = {"arch": {}, "data": {"_target_": "never_imported.Mine", "name": "mine", "root": "a"}}
    other = {**config, "data": {**config["data"], "root": "b"}}
    assert essence(config) != essence(other)
    assert "never_imported" not in sys.modules


def test_an_encoder_that_does_not_fit_is_refused_before_training(blocks, capsys):
    for encoder, message in (
        ("torch.nn.Identity()", "its encoder makes vectors of (1,); arch.embedding_size asks for 5"),
        ("torch.nn.Linear(3, size)", "its encoder cannot take a step"),
    ):
        method = f"class SumTask(Task):\n    def encoder(self, size):\n        return {encoder}\n\n"
        code = blocks["python"][1].replace("class SumTask(Task):\n", method)
        Path("my_sums.py").write_text(f"import torch\n{code}")
        sys.modules.pop("my_sums", None)
        Path("my_conf/data/sum.yaml").write_text("_target_: my_sums.Sum\nname: sum\n")
        with pytest.raises(SystemExit):
            run_command(["--config-dir", "my_conf", "data=sum", *SMALL, blocks["store"], "hydra.run.dir=out"])
        assert message in capsys.readouterr().err
        assert not Path("out").exists()
