"""What commands say, and to whom."""

import io
import json
import logging
import warnings
from pathlib import Path

import pytest

from slowpoints.console import VOICE, RunLog, is_plain, print_text, terminal
from slowpoints.errors import UserError

log = logging.getLogger("slowpoints.tests")


class Screen(io.StringIO):
    def isatty(self):
        return True


def say_everything(mode):
    with VOICE.speak(mode):
        log.info("getting on")
        log.warning("careful")
        warnings.warn("a library warns", stacklevel=1)
        print("a library prints")
        VOICE.conclude(lambda console: print_text(console, "found [much]"), "folder", {"value": float("nan")})


def test_people_hear_everything(capsys):
    say_everything("normal")
    said = capsys.readouterr()
    assert said.out == "a library prints\nfound [much]\n"
    assert said.err.startswith("getting on\ncareful\n")
    assert "a library warns" in said.err


def test_quiet_leaves_warnings_and_the_folder(capsys):
    say_everything("quiet")
    said = capsys.readouterr()
    assert said.out == "a library prints\nfolder\n"
    assert said.err.startswith("careful\n")


def test_programs_get_one_document_on_standard_output(capsys):
    say_everything("json")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"value": None}
    assert "a library prints" in said.err


def test_afterwards_everything_is_as_before(capsys):
    say_everything("json")
    capsys.readouterr()
    log.info("nobody asked")
    print("plain")
    assert capsys.readouterr() == ("plain\n", "")
    assert VOICE.mode == "normal"


def test_the_level_of_our_loggers_is_that_of_before():
    ours = logging.getLogger("slowpoints")
    before = ours.level
    with VOICE.speak("normal"), VOICE.speak("quiet"):
        assert ours.level == logging.INFO
    assert ours.level == before


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_a_plain_terminal_gets_no_escape_codes(monkeypatch, environment):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    assert is_plain(screen)
    monkeypatch.setattr("sys.stderr", screen)
    with VOICE.speak("normal"), VOICE.progress() as bars:
        bars.advance(bars.add_task("training", total=2))
        log.warning("careful")
        terminal(screen).print("[bold red]text[/]")
    assert screen.getvalue() == "careful\ntext\n"


def test_a_terminal_gets_bars_and_colours(monkeypatch):
    for name, value in {"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR")
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with VOICE.speak("normal"), VOICE.progress() as bars:
        bars.advance(bars.add_task("training", total=2))
    assert "training" in screen.getvalue()
    assert "\x1b[" in screen.getvalue()


def test_the_log_begins_before_the_folder_and_keeps_what_ended_the_run(tmp_path):
    file = tmp_path / "new" / "run.log"

    def run():
        with VOICE.speak("quiet"), RunLog().listening() as run_log:
            log.info("before")
            assert not file.parent.exists()
            run_log.write_to(file, "w")
            log.info("after")
            assert [line.split(" INFO ")[1] for line in file.read_text().splitlines()] == ["before", "after"]
            raise UserError("too bad")

    with pytest.raises(UserError):
        run()
    assert file.read_text().endswith("error: too bad\n")


def test_a_log_for_which_there_is_no_room_costs_nothing_else(capsys):
    with RunLog().listening() as log:
        log.write_to(Path("/dev/full"), "a")
        logging.getLogger("slowpoints.tests").warning("said")
        log.add("a report")
    assert "No space left" not in capsys.readouterr().err
