"""Questions that cannot be asked are refused with one message, before a network is trained for them."""

import sys

import pytest

from slowpoints.app.build import build_questions
from slowpoints.app.main import run_command
from slowpoints.errors import UserError

MODULE = """
from slowpoints.questions.claims import Claim, Condition
from slowpoints.questions.question import Findings, Question
from slowpoints.report.style import Drawing

class Nameless(Question):
    def __call__(self, dissection):
        return Findings("")

class Named(Nameless):
    def __init__(self, name="mine", figure="mine", claim="mine"):
        self.name = name
        self.figures = {figure: Drawing(print)}
        self.claims = [Claim(claim, "It is mine", (Condition(name + "/metric", 1, 0),))]

class Unasked(Question):
    name = "unasked"
"""


@pytest.fixture(autouse=True)
def _own_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_questions_of_a_test.py").write_text(MODULE)
    (tmp_path / "broken_questions_of_a_test.py").write_text("class Mine(:\n")
    yield
    sys.modules.pop("own_questions_of_a_test", None)


def own(name, /, **options):
    return {"_target_": f"own_questions_of_a_test.{name}", **options}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"a": own("Nameless")}, r'analysis\.questions\.a: .*Nameless has no name; .* name = "a"'),
        ({"a": own("Unasked")}, r"analysis\.questions\.a: cannot make .*__call__"),
        ({"a": own("Missing")}, r"analysis\.questions\.a: cannot make .*Missing"),
        ({"a": {"_target_": "broken_questions_of_a_test.Mine"}}, r"analysis\.questions\.a: cannot make .*broken"),
        ({"a": own("Named", name="../out")}, "name"),
        ({"a": own("Named", figure="../out")}, "figures"),
        ({"a": own("Named", name="test")}, "calls something test, as every run does"),
        ({"a": own("Named", figure="page")}, "calls something page, as every run does"),
        ({"a": own("Named"), "b": own("Named")}, r"questions\.b: there is another question of the name mine"),
        (
            {"a": own("Named"), "b": own("Named", name="b")},
            "another figure of the name mine, that of analysis.questions.a",
        ),
        ({"a": own("Named"), "b": own("Named", name="b", figure="b")}, "another claim of the name mine"),
    ],
)
def test_what_is_no_question_or_called_like_another_is_refused(nodes, message):
    with pytest.raises(UserError, match=message) as refused:
        build_questions(nodes)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_imported_ends_a_run_before_it_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_conf" / "analysis").mkdir(parents=True)
    options = "defaults: [sampling]\nquestions:\n  mine:\n    _target_: broken_questions_of_a_test.Mine\n"
    (tmp_path / "my_conf" / "analysis" / "mine.yaml").write_text(options)
    with pytest.raises(SystemExit) as stopped:
        run_command(["--config-dir", "my_conf", "analysis=mine", "data.documents=100", "hydra.run.dir=out"])
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.count("error: ") == 1
    assert "analysis.questions.mine: cannot make a broken_questions_of_a_test.Mine" in said
    assert not (tmp_path / "out").exists()
