"""Whatever a user gets wrong ends with one message that says what, where and what would be right, and code 2."""

import errno
import shlex
import sys

import pytest

from slowpoints.app.main import main, run_command


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def message_of(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        run_command(arguments)
    assert stopped.value.code == 2
    output = capsys.readouterr()
    assert "Traceback" not in output.err
    assert output.out == ""
    before, error, message = output.err.partition("error: ")
    assert error
    assert before.count("\n") <= 4  # what it was doing
    return message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["arch=transformer"], ["arch=transformer", "gru, linear, lstm, rnn, ugrnn"]),
        (["data=amazon"], ["data=amazon", "files, flipflop, imdb, sst, synthetic, yelp"]),
        (["analysis=everything"], ["analysis=everything", "quick"]),
        (["analysis=pca"], ["analysis.sampling: must be given", "analysis=[sampling,"]),
        (["arch=gru,lstm"], ["arch=gru,lstm", "-m"]),
        (["arch.hidden_sise=3"], ["arch.hidden_sise", "did you mean arch.hidden_size?"]),
        (["training.speed=3"], ["training.speed", "no such option", "rate"]),
        (["sede=3"], ["sede", "did you mean seed?"]),
        (["+arch.hidden_sise=3"], ["arch.hidden_sise", "did you mean arch.hidden_size?"]),
        (["arch.cell.update_bais=3"], ["arch.cell.update_bais", "did you mean arch.cell.update_bias?"]),
        (["arch.readout_cell_state=true"], ["arch.readout_cell_state: there is no such option"]),
        (["+arch.readout_cell_state=true"], ["arch.readout_cell_state: a slowpoints.cells.GRU", "arch=lstm"]),
        (["arch=lstm", "arch.readout_cell_state=3"], ["arch.readout_cell_state: must be a valid boolean"]),
        (["training.recurrent_l2=-1"], ["training.recurrent_l2: must be greater than or equal to 0, got -1"]),
        (["arch.hidden_size=0"], ["arch.hidden_size: must be greater than 0, got 0"]),
        (["arch.hidden_size=many"], ["arch.hidden_size: must be a valid integer", "got 'many'"]),
        (["training.rate=-0.1"], ["training.rate: must be greater than 0, got -0.1"]),
        (["training.rate=0"], ["training.rate: must be greater than 0"]),
        (["training.batch_size=0"], ["training.batch_size: must be greater than 0"]),
        (["training.readout_dropout=1"], ["training.readout_dropout: must be less than 1"]),
        (["training.devices="], ["training.devices: must be a valid integer", "got ''"]),
        (["training.accelerator=abacus"], ["training.accelerator: must be 'auto', 'cpu'", "got 'abacus'"]),
        (["training.precision=8"], ["training.precision: must be '32-true'"]),
        (["data.max_length=0"], ["data.max_length: must be greater than 0, got 0"]),
        (["data.validation_share=1"], ["data.validation_share: must be less than 1"]),
        (["seed=abc"], ["seed: must be a valid integer", "got 'abc'"]),
        (["seed=-1"], ["seed: must be greater than or equal to 0, got -1"]),
        (["threads=0"], ["threads: must be greater than 0"]),
        (["analysis.sampling.points=0"], ["analysis.sampling.points: must be greater than 0"]),
        (["tracking.uri=file:./mlruns"], ["tracking.uri", "sqlite:///mlflow.db"]),
        (["tracking.experiment="], ["tracking.experiment: must have at least 1 character"]),
        (["arch.cell._target_=slowpoints.cells.Nothing"], ["arch.cell", "Nothing"]),
        (["arch.cell._target_=collections.OrderedDict"], ["arch.cell", "OrderedDict"]),
        (["arch=["], ["arch=[: ", "brackets or quotation marks do not match"]),
        (["nonsense"], ["nonsense: must be OPTION=VALUE"]),
        (["=3"], ["=3: must be OPTION=VALUE"]),
        (["a..b=3"], ["a..b=3: must be OPTION=VALUE"]),
        (["arch=3"], ["arch=3: there is no such choice; there are gru, linear, lstm, rnn, ugrnn"]),
        (["arch=null"], ["arch=null: there is no such choice"]),
        (["analysis=[1,2]"], ["analysis=[1,2]: there is no such choice"]),
        (["-m", "arch=gru,3"], ["arch=gru,3: there is no such choice"]),
        (["hydra/launcher=1.5"], ["hydra/launcher=1.5: there is no such choice", "slurm"]),
        (["seed=${nope}"], ["seed: Interpolation key 'nope' not found"]),
        (["seed=${seed}"], ["seed: Recursive interpolation detected"]),
        (["arch=???"], ["You must specify 'arch'"]),
        (["data.root=my (1)=é"], ["""'data.root="my (1)=é"'"""]),
        (["data.root=~/x"], ["""'data.root="~/x"'"""]),
        (['data.root=a"b'], [r"""'data.root="a\"b"'"""]),
        (["data=files", "data.train=r.csv", "data.text_column=0"], ["""'data.text_column="0"'"""]),
        (["data.documents=1000000000000"], ["data.documents: must be less than"]),
        (["data.zipf_exponent=1e308"], ["data.zipf_exponent: must be less than or equal to 10"]),
        (["data.intensity=inf"], ["data.intensity: must be a finite number"]),
        (["arch.hidden_size=true"], ["arch.hidden_size: must be a valid integer", "got 'true'"]),
        (["training.rate=false"], ["training.rate: must be a valid number"]),
        (["threads=true"], ["threads: must be a valid integer"]),
        (["arch.hidden_size=1000000000"], ["arch.hidden_size: must be less than or equal to 65536"]),
        (["training.rate=inf"], ["training.rate: must be a finite number"]),
        (["training.rate=nan"], ["training.rate: must be a finite number"]),
        (["training.weight_decay=1e308"], ["training.weight_decay: must be less than or equal to"]),
        (["training.embedding_std=inf"], ["training.embedding_std: must be a finite number"]),
        (["training.embedding_std=1e38"], ["training.embedding_std: must be less than or equal to"]),
        (["training.batch_size=9223372036854775808"], ["training.batch_size: must be less than or equal to"]),
        (["training.validations_per_epoch=inf"], ["training.validations_per_epoch: must be a finite number"]),
        (["training.devices=2"], ["training.devices: must be 1", "-m"]),
        (["training.devices=4", "training.accelerator=cpu"], ["training.devices: must be 1"]),
        (["arch.cell.recurrent_gain=inf"], ["arch.cell: needs finite numbers", "recurrent_gain is inf"]),
        (["arch.cell.input_gain=nan"], ["arch.cell: needs finite numbers", "input_gain is nan"]),
        (["arch.cell.input_gain=1e30"], ["arch.cell: needs finite numbers of at most 1e+18", "input_gain is 1e+30"]),
        (["arch.cell.recurrent_gain=true"], ["arch.cell.recurrent_gain: must be a valid number", "got 'true'"]),
        (["arch.cell.update_bias=high"], ["arch.cell.update_bias: must be a valid number", "got 'high'"]),
        (["arch.name="], ["arch.name: must match pattern", "got ''"]),
        (["arch.name=a/b"], ["arch.name: must match pattern", "got 'a/b'"]),
        (["arch.name=../../x"], ["arch.name: must match pattern"]),
        ([f"arch.name={260 * 'a'}"], ["arch.name: must have at most 64 characters", "a...\n"]),
        ([f"data.name={260 * 'a'}"], ["data.name: must have at most 64 characters"]),
        ([r'arch.name="a\x00b"'], ["arch.name"]),
        (["seed=4294967296"], ["seed: must be less than 4294967296"]),
        (["seed=true"], ["seed: must be a valid integer"]),
        (["threads=1000000"], ["threads: must be less than or equal to 1024"]),
        (["threads=1000000000000"], ["threads: must be less than or equal to 1024"]),
        (["threads=0.5"], ["threads: must be a valid integer"]),
        (["analysis.sampling.documents=1e308"], ["analysis.sampling.documents"]),
        (["analysis.sampling.slow=inf"], ["analysis.sampling.slow: must be a finite number"]),
        (["analysis.questions.explorer.points=true"], ["analysis.questions.explorer.points: must be a valid integer"]),
        (["analysis.questions.explorer.points=0"], ["analysis.questions.explorer", "must be at least 1"]),
        (["analysis.questions.relaxation.tokens=1e400"], ["analysis.questions: needs finite numbers"]),
        (["+analysis.questions.mine={a:1}"], ["analysis.questions: mine needs a `_target_`"]),
        (["+analysis.questions.mine={_target_:nowhere.Mine}"], ["analysis.questions.mine", "nowhere"]),
        (["+analysis.questions.mine={_target_:fractions.Fraction}"], ["analysis.questions.mine", "is no Question"]),
        (
            ["+analysis.questions.mine={_target_:slowpoints.questions.bag_of_words.BagOfWordsQuestion}"],
            ["analysis.questions.mine", "another question of the name bow"],
        ),
        (["tracking.uri=sqlite://"], ["tracking.uri: needs a store"]),
        (["tracking.uri=sqlite:///"], ["tracking.uri: needs a file"]),
        (["tracking.uri=:memory:"], ["tracking.uri: needs a store"]),
        (["tracking.uri=sqlite:///:memory:"], ["tracking.uri: needs a file", "ends with the run"]),
        (["tracking.uri=postgresql+nothing://h/d"], ["tracking.uri: must be the address of a database", "nothing"]),
        (["tracking.uri=http://"], ["tracking.uri: needs a store"]),
        (["tracking.uri=http://host:port"], ["tracking.uri: needs a store"]),
        (["tracking.patience=inf"], ["tracking.patience: must be a finite number"]),
        (["tracking.patience=1e308"], ["tracking.patience: must be less than or equal to"]),
        ([f"tracking.experiment={260 * 'a'}"], ["tracking.experiment: needs a name", "250"]),
        (["tracking.experiment=.."], ["tracking.experiment: needs a name"]),
        (["training.precision=16-mixed", "training.accelerator=cpu"], ["training.precision=16-mixed: needs a GPU"]),
        (["arch=gru", "arch=lstm"], ["arch is given twice, arch=gru and arch=lstm"]),
        (["+arch=lstm"], ["arch: is chosen already", "arch=NAME"]),
        (["cache_dir=file"], ["cache_dir: must be a folder, new or there already; file is a file"]),
        (["cache_dir=file/below"], ["cache_dir: must be a folder, new or there already; file is a file"]),
        (["-m", "seed=1,2", "cache_dir=file"], ["cache_dir: must be a folder"]),
        (["hydra.run.dir=file"], ["file", "need a folder"]),
        (["hydra.run.dir=file/below"], ["file", "need a folder"]),
        ([f"hydra.run.dir={260 * 'a'}"], ["need a folder"]),
        (["-m", "seed=range(0)"], ["the sweep has no jobs", "range(0)"]),
        (["-m", "seed=range(1,3,0)"], ["the choices of the sweep cannot be listed"]),
        (["-m", "arch=glob(x*)"], ["the sweep has no jobs", "glob(x*)"]),
        (["-m", "seed=1,2", "hydra.launcher.n_jobs=1.5"], ["hydra.launcher.n_jobs: must be a valid integer"]),
        (["-m", "seed=1,2", "hydra.launcher.n_jobs=true"], ["hydra.launcher.n_jobs: must be a valid integer"]),
        (["-m", "seed=1,2", "hydra.launcher.threads=0.5"], ["hydra.launcher.threads: must be a valid integer"]),
        (["-m", "seed=1,2", "hydra.launcher.timeout_minutes=inf"], ["timeout_minutes: must be a finite number"]),
        (["-m", "seed=1,2", "hydra.sweep.dir=file"], ["hydra.sweep.dir", "file", "must be a folder"]),
        (["-m", "seed=1,4294967296"], ["seed: must be less than 4294967296"]),
        (["-m", "seed=1,2", "arch.cell.input_gain=high"], ["arch.cell.input_gain: must be a valid number"]),
        (["-m", "seed=1", "hydra.sweeper.search={training.rate:'range(0)'}"], ["the search has no jobs"]),
        (["-m", "seed=1", "hydra.sweeper.search={training.rate:''}"], ["training.rate: must be a valid number"]),
        (["-m", "seed=1", "hydra.sweeper.search={training.rate:null}"], ["training.rate: must be a valid number"]),
        (["-m", "seed=1", "hydra.sweeper.search=5"], ["hydra.sweeper.search"]),
        (["-m", "seed=1", "hydra.sweeper.search={}"], ["hydra.sweeper.search: must be choices"]),
        (["-m", "seed=1", "hydra.sweeper.search=[]"], ["hydra.sweeper.search: must be choices"]),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_made(capsys, tmp_path, arguments, words):
    (tmp_path / "file").touch()
    message = message_of(capsys, arguments)
    for word in words:
        assert word in message
    assert message.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2"]])
@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_made(
    capsys, tmp_path, monkeypatch, accelerator, sweep
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    message = message_of(capsys, [*sweep, f"training.accelerator={accelerator}"])
    assert f"training.accelerator={accelerator}: there is none on this machine" in message
    message = message_of(capsys, [*sweep, "training.precision=16-mixed"])
    assert "training.precision=16-mixed: needs a GPU" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2"]])
def test_more_validations_than_batches_are_refused_when_the_documents_are_counted(capsys, tmp_path, sweep):
    message = message_of(capsys, [*sweep, "training.validations_per_epoch=1000", "data.documents=200"])
    assert "training.validations_per_epoch: must be at most 3" in message  # 162 documents in batches of 64
    assert [path.name for path in tmp_path.iterdir()] == [".cache"]


def test_a_database_without_its_driver_is_refused_before_data_are_read(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    message = message_of(capsys, ["tracking.uri=postgresql+psycopg2://host/runs"])
    assert "tracking.uri: needs a driver that is not installed" in message
    assert "slowpoints[postgres]" in message
    assert not list(tmp_path.iterdir())


def test_every_wrong_option_is_named_at_once(capsys):
    message = message_of(capsys, ["arch.hidden_size=0", "training.rate=-1"])
    assert "arch.hidden_size" in message
    assert "training.rate" in message


def test_a_store_in_a_folder_that_is_not_there_is_refused(capsys):
    message = message_of(capsys, ["tracking.uri=sqlite:///no/such/folder/mlflow.db", "data.documents=60"])
    assert "no/such/folder" in message
    assert "make it" in message


def test_a_server_that_does_not_answer_is_refused(capsys):
    message = message_of(capsys, ["tracking=server", "tracking.uri=http://127.0.0.1:9", "data.documents=60"])
    assert "no MLflow server answers" in message
    assert "tracking=local" in message


def test_missing_data_names_the_ways_out(capsys):
    message = message_of(capsys, ["data=imdb", "data.root=no/such/folder"])
    assert "no/such/folder" in message
    assert "data.root" in message


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("text,label\n", [], ["empty"]),
        ("text,label\ngood,1\nfine,1\n", [], ["label"]),
        ("text,label\ngood,1\nbad,0\nmeh,7\n", [], ["label"]),
        ("review,label\ngood,1\nbad,0\n", [], ["data.text_column", "text", "review"]),
        ("text,stars\ngood,1\nbad,0\n", [], ["data.label_column", "label", "stars"]),
    ],
)
def test_files_that_cannot_be_learned_from_are_refused(capsys, tmp_path, content, options, words):
    (tmp_path / "reviews.csv").write_text(content)
    message = message_of(capsys, ["data=files", "data.train=reviews.csv", *options])
    for word in words:
        assert word in message


def test_a_file_that_is_not_there_or_cannot_be_read_is_named(capsys, tmp_path):
    assert "reviews.csv" in message_of(capsys, ["data=files", "data.train=reviews.csv"])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is no parquet file")
    assert "broken.parquet" in message_of(capsys, ["data=files", "data.train=broken.parquet"])


def test_a_name_of_any_characters_can_be_given_as_the_message_says(capsys, tmp_path):
    name = "it's my (1)=é #.csv"
    (tmp_path / name).write_text("text,label\nfine,9\n")
    message = message_of(capsys, ["data=files", f"data.train={name}"])
    argument = shlex.split(message.partition("within quotes: ")[2])
    assert "row 1 (line 2): label '9'" in message_of(capsys, ["data=files", *argument])


def test_data_files_must_be_named(capsys):
    assert "data.train" in message_of(capsys, ["data=files"])


def test_an_unknown_command_lists_those_there_are(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fly"])
    assert stopped.value.code == 2
    assert "run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", "out"),
        OSError(errno.ENOSPC, "No space left on device", "out"),
    ],
)
def test_where_nothing_can_be_written_other_places_are_named(capsys, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("slowpoints.sweep.options.check_options", fail)
    message = message_of(capsys, [])
    assert message.startswith("out cannot be written: ")
    assert "hydra.run.dir=FOLDER" in message


def test_a_store_that_cannot_be_written_to_is_refused_at_once(capsys, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "cannot be written to" in message_of(capsys, ["data.documents=60"])
