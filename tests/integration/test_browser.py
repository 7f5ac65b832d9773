"""A sweep as its user sees it: the comparison it leaves, MLflow's pages, and the page of the comparison, in a browser.

SLOWPOINTS_SCREENSHOTS names a folder to keep pictures in.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from benchmarks.mlflow_concurrency import mlflow_server
from selenium.webdriver.support.expected_conditions import (
    frame_to_be_available_and_switch_to_it,
    presence_of_element_located,
)
from selenium.webdriver.support.wait import WebDriverWait

from integration.browser import open_browser, show
from slowpoints.app.main import run_command

SMALL = [
    "data.documents=200",
    "arch.hidden_size=6",
    "arch.embedding_size=5",
    "training.max_epochs=2",
    "analysis=quick",
    "analysis.sampling.documents=15",
    "analysis.sampling.points=20",
    "threads=1",
]
LEFT = {"comparison.html", "comparison.md", "comparison.csv", "comparison_spread.csv"}
LEFT |= {"comparison.png", "comparison.pdf", "jobs.csv"}
JOBS = ("gru-synthetic", "rnn-synthetic")
BIG_PICTURE = "return [...document.images].some(image => image.naturalWidth > 500)"


@dataclass
class Swept:
    """A finished sweep: its folder and store, its experiment's id, and its runs by name."""

    folder: Path
    store: str
    experiment: str
    runs: dict


@pytest.fixture(scope="module")
def swept(_empty_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    shutil.copy(_empty_store, folder / "mlflow.db")
    store = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_command(["-m", "arch=rnn,gru", *SMALL, f"tracking.uri={store}", "hydra.sweep.dir=sweep"])
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name("slowpoints").experiment_id
    runs = {run.info.run_name.split("-")[0]: run for run in client.search_runs([experiment])}
    return Swept(folder / "sweep", store, experiment, runs)


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


def wait(browser):
    return WebDriverWait(browser, 60)


def test_a_sweep_sets_its_networks_side_by_side_when_it_ends(swept):
    page = (swept.folder / "comparison.md").read_text()
    first, second = (line for line in page.splitlines() if "-synthetic | 0." in line)
    assert first.startswith("| gru-synthetic")
    assert second.startswith("| rnn-synthetic")
    summary = swept.runs["sweep"]
    assert summary.info.status == "FINISHED"
    assert {file.path for file in mlflow.MlflowClient(swept.store).list_artifacts(summary.info.run_id)} >= LEFT


def test_the_page_of_a_comparison_stands_alone_and_can_be_sorted(browser, keep_picture, swept):
    browser.get((swept.folder / "comparison.html").as_uri())
    text = browser.find_element("tag name", "body").text
    for words in ("Accuracies", "The mechanism", "Claims", *JOBS):
        assert words in text
    keep_picture("report")
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.find_element("css selector", "figure svg").size["height"] > 300

    def accuracies():
        cells = browser.find_elements("css selector", ".sortable tbody td:nth-child(2)")
        return [float(cell.text) for cell in cells]

    heading = browser.find_element("css selector", ".sortable thead th:nth-child(2)")
    heading.click()
    assert accuracies() == sorted(accuracies(), reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    heading.click()
    assert accuracies() == sorted(accuracies())
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_pages_of_mlflow_show_what_was_found_as_they_open(browser, keep_picture, swept, tmp_path):
    with mlflow_server(tmp_path, swept.store) as uri:
        runs = f"{uri}/#/experiments/{swept.experiment}/runs"
        gru, summary = swept.runs["gru"], swept.runs["sweep"]
        browser.get(f"{uri}/health")  # a page without MLflow's own scripts: they would overwrite the settings
        browser.execute_script(
            "localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');"
            "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');"
            "localStorage.setItem('mlflow.workflowType_v1', '\"machine_learning\"')"
        )

        show(browser, runs, *JOBS, summary.info.run_name)
        keep_picture("runs")
        # The prefixes of metrics are sections; the charts are there without a click.
        show(browser, f"{runs}?compareRunsMode=CHART", "fixed_points\n(", "test\n(", "training\n(")
        wait(browser).until(lambda shown: shown.find_elements("css selector", ".js-plotly-plot"))
        keep_picture("charts")

        accuracy = gru.data.metrics["test/accuracy"]
        text = show(browser, f"{runs}/{gru.info.run_id}", "Finished", f"{accuracy:.1%} of the test")
        assert "**gru-synthetic**" not in text  # rendered, not shown as written
        keep_picture("run")
        show(browser, f"{runs}/{gru.info.run_id}/artifacts/fixed_points.png", "fixed_points.pdf", "summary.json")
        wait(browser).until(lambda shown: shown.execute_script(BIG_PICTURE))
        keep_picture("figure")

        text = show(browser, f"{runs}/{summary.info.run_id}", "Finished", *JOBS, "comparison.html")
        assert "|" not in text.partition("Description")[2].partition("Metrics (")[0]  # tables are tables
        keep_picture("summary")
        show(browser, f"{runs}/{summary.info.run_id}/artifacts/comparison.html", "comparison.csv", "Path:")
        wait(browser).until(frame_to_be_available_and_switch_to_it(("tag name", "iframe")))
        cell = wait(browser).until(presence_of_element_located(("css selector", "#accuracies td")))
        assert cell.text == f"{accuracy:.3f}"
        browser.switch_to.default_content()
        keep_picture("comparison")

        ids = [swept.runs[name].info.run_id for name in ("gru", "rnn")]
        page = f"{uri}/#/compare-runs?runs={json.dumps(ids)}&experiments={json.dumps([swept.experiment])}"
        text = show(browser, page, "Comparing 2 Runs", "Parallel Coordinates Plot", "Show diff only")
        chosen = text.partition("Parameters:")[2].partition("Metrics:")[0].split()
        assert chosen[0] == "arch"  # of what differs, what one looks for comes first
        assert "data.repository" not in text
        keep_picture("compare")
