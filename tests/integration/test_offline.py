"""The default run needs no network, and does not ask for it."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
WATCHED = """
import socket, sys

def refuse(*arguments, **_):
    print("asked the network:", arguments, file=sys.__stderr__)
    raise OSError("there is no network")

socket.getaddrinfo = socket.socket.connect = refuse
from slowpoints.app.main import main
main(sys.argv[1:])
"""
TINY = ["data.documents=100", "arch.hidden_size=4", "arch.embedding_size=4", "training.max_epochs=1", "analysis=none"]


def test_the_default_run_asks_nothing_of_the_network(store, tmp_path):
    code = subprocess.run(
        [sys.executable, "-c", WATCHED, "run", *TINY, "threads=1", "hydra.run.dir=a folder", f"tracking.uri={store}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src"), "MLFLOW_TRACKING_URI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert code.returncode == 0, code.stderr
    assert "asked the network" not in code.stderr
    assert "\x1b" not in code.stdout + code.stderr
    assert (tmp_path / "a folder" / "summary.json").is_file()
