"""What MLflow's pages show of runs, in a real browser. SLOWPOINTS_SCREENSHOTS names a folder to keep pictures in."""

import json
import os
from pathlib import Path

import mlflow
import pytest
from benchmarks.mlflow_concurrency import mlflow_server
from tests.integration.browser import open_browser, show

from slowpoints.app.main import run_command

SMALL = [
    "analysis=quick",
    "data.documents=400",
    "arch.hidden_size=8",
    "arch.embedding_size=6",
    "training.max_epochs=3",
    "analysis.sampling.documents=20",
    "analysis.sampling.points=20",
    "threads=1",
]


@pytest.fixture
def browser(tmp_path):
    with open_browser(tmp_path / "profile") as opened:
        yield opened


@pytest.fixture
def keep_picture(browser, tmp_path):
    folder = Path(os.environ.get("SLOWPOINTS_SCREENSHOTS", tmp_path))

    def keep(name):
        assert browser.save_screenshot(str(folder / f"{name}.png"))

    return keep


def test_the_pages_of_mlflow_show_what_was_found_as_they_open(browser, keep_picture, store, tmp_path):
    for arch in ("gru", "rnn"):
        run_command([*SMALL, f"arch={arch}", f"tracking.uri={store}", f"hydra.run.dir={arch}"])
    with mlflow_server(tmp_path, store) as uri:
        client = mlflow.MlflowClient(uri)
        experiment = client.get_experiment_by_name("slowpoints").experiment_id
        runs = {run.info.run_name: run for run in client.search_runs([experiment])}
        ids = [run.info.run_id for run in runs.values()]
        base = f"{uri}/#/experiments/{experiment}/runs"
        browser.get(f"{uri}/health")  # a page without MLflow's own scripts: they would overwrite the settings
        browser.execute_script(
            "localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');"
            "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');"
            "localStorage.setItem('mlflow.workflowType_v1', '\"machine_learning\"')"
        )

        show(browser, base, "gru-synthetic", "rnn-synthetic")
        keep_picture("runs")
        # The prefixes of metrics are sections; the charts are there without a click.
        show(browser, f"{base}?compareRunsMode=CHART", "fixed_points\n(", "test\n(", "training\n(")
        browser.execute_script("document.querySelector('.js-plotly-plot').scrollIntoView()")
        keep_picture("charts")

        accuracy = runs["gru-synthetic"].data.metrics["test/accuracy"]
        text = show(browser, f"{base}/{runs['gru-synthetic'].info.run_id}", "Finished", f"{accuracy:.1%} of the test")
        assert "**gru-synthetic**" not in text  # rendered, not shown as written
        keep_picture("run")

        figure = f"{base}/{runs['gru-synthetic'].info.run_id}/artifacts/fixed_points.png"
        show(browser, figure, "fixed_points.pdf", "summary.json")
        browser.set_script_timeout(30)
        width = browser.execute_async_script(
            "const done = arguments[0];"
            "const look = () => { const seen = [...document.images].find(i => i.naturalWidth > 500);"
            "  seen ? done(seen.naturalWidth) : setTimeout(look, 100); }; look();"
        )
        assert width > 500
        keep_picture("figure")

        page = f"{uri}/#/compare-runs?runs={json.dumps(ids)}&experiments={json.dumps([experiment])}"
        text = show(browser, page, "Comparing 2 Runs", "Parallel Coordinates Plot", "Show diff only")
        chosen = text.partition("Parameters:")[2].partition("Metrics:")[0].split()
        assert chosen[0] == "arch"  # of what differs, what one looks for comes first
        assert "data.repository" not in text
        keep_picture("compare")
