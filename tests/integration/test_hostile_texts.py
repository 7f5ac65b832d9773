"""Texts that look like code, as words, names and findings, in a real browser: they are shown, and nothing runs."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from benchmarks.mlflow_concurrency import mlflow_server
from matplotlib import pyplot
from selenium.webdriver.common.by import By

from browser import open_browser, show
from slowpoints.app.note import note
from slowpoints.app.report import Report
from slowpoints.questions.explorer import ExplorerQuestion
from slowpoints.questions.relaxation import RelaxationQuestion
from slowpoints.report.comparison import draw_comparison
from slowpoints.report.explorer import make_explorer
from slowpoints.report.page import Panel, draw_page
from slowpoints.sweep.networks import find_networks, group_networks
from slowpoints.sweep.report import Comparison, write_comparison
from slowpoints.tracking.run import NOTE
from sweep.finished import finished_run, made_arrays

sys.path.append(str(Path(__file__).parents[1] / "questions"))
from made import WORDS, dissect, integrator, some_data

SET = "window.wrecked = true"
TEXTS = (
    f"</script><script>{SET}</script>",
    f'<img src="x" onerror="{SET}">',
    f'"><svg onload="{SET}">',
    f'<a href="javascript:{SET}">here</a>',
    f"\u2028{SET}\u2029//",
    f"`${{{SET}}}`",
    f"'; {SET}; '",
    f"<!--<script>{SET}",
)
FOREIGN = "return [...document.querySelectorAll('img, svg[onload], a[href^=javascript], iframe')].length"
RUN = "return [window.wrecked === undefined, performance.getEntriesByType('resource').length]"


@pytest.fixture
def browser(tmp_path):
    with open_browser(tmp_path / "profile") as opened:
        yield opened


def shows_and_does_nothing(browser):
    assert browser.execute_script(RUN) == [True, 0]
    assert browser.execute_script(FOREIGN) == 0
    assert browser.get_log("browser") == []


def test_the_explorer_shows_words_and_titles_as_they_are(browser, tmp_path):
    data = some_data()
    words = [TEXTS[number % len(TEXTS)] + str(number) for number in range(WORDS)]
    findings = ExplorerQuestion(points=10, documents=6, words=4)(dissect(integrator(), replace(data, words=(*words,))))
    title, claims = "".join(TEXTS), [(text, "holds") for text in TEXTS]
    page = make_explorer(title, {"explorer": findings.arrays}, claims)
    (tmp_path / "explorer.html").write_text(page, encoding="utf-8")
    show(browser, (tmp_path / "explorer.html").as_uri(), "Word 12 of 12", "mode 1", TEXTS[0])
    spans = browser.find_elements(By.CSS_SELECTOR, "#text span")
    assert {span.get_attribute("textContent").strip() for span in spans} <= {word.strip() for word in words}
    assert browser.find_element(By.TAG_NAME, "h1").get_attribute("textContent") == title
    for span in spans:
        span.click()
        shows_and_does_nothing(browser)


def test_the_comparison_shows_names_and_findings_as_they_are(browser, tmp_path):
    for number, text in enumerate(TEXTS):
        run = finished_run(tmp_path / "runs" / str(number), data=text, arrays=number < 2, seed=number)
        summary = (run / "summary.json").read_text()
        assert "<b>slow</b>" in summary
    groups = group_networks(find_networks([tmp_path / "runs"]))
    write_comparison(Comparison("".join(TEXTS), groups, TEXTS), tmp_path / "out")
    show(browser, (tmp_path / "out" / "comparison.html").as_uri(), "Accuracies", "What the analyses say", TEXTS[1])
    heads = browser.find_elements(By.CSS_SELECTOR, "#accuracies tbody th")
    names = {head.get_attribute("textContent") for head in heads}
    assert names == {f"gru-{text}" for text in TEXTS}
    for heading in browser.find_elements(By.CSS_SELECTOR, ".sortable thead th"):
        heading.click()
    assert browser.find_elements(By.CSS_SELECTOR, "h1 *, th b, td b, li b") == []
    shows_and_does_nothing(browser)


@pytest.mark.parametrize("text", [*TEXTS, "$", "$\\frac$", "a $x_y$ $z"])
def test_the_page_is_drawn_whatever_a_network_is_called(text):
    figure = draw_page(text, made_panels(), [(text, "holds")])
    figure.draw_without_rendering()
    assert figure._suptitle.get_text() == text
    draw_comparison({text: {}}).draw_without_rendering()
    pyplot.close("all")


def test_notes_show_names_and_findings_as_they_are_in_mlflow(browser, store, tmp_path):
    run = SimpleNamespace(metrics={"test/accuracy": 0.5}, folder=tmp_path)
    texts = [*TEXTS, f"[here](javascript:{SET})"]
    claims = [SimpleNamespace(verdict="holds", text=text) for text in texts]
    found = SimpleNamespace(verdicts=claims, sentences=dict(enumerate_texts(texts)), failures={"failing": TEXTS[1]})
    client = mlflow.MlflowClient(store)
    recorded = client.create_run(client.create_experiment("hostile"), run_name=TEXTS[1])
    client.set_tag(recorded.info.run_id, NOTE, note(Report(TEXTS[0], run, found)))
    with mlflow_server(tmp_path, store) as uri:
        place = f"{uri}/#/experiments/{recorded.info.experiment_id}/runs/{recorded.info.run_id}"
        show(browser, place, "of the test documents right", TEXTS[0], TEXTS[1], TEXTS[2], "failing")
        assert browser.execute_script(RUN)[0]
        assert (
            browser.execute_script("return document.querySelectorAll('a[href^=javascript], img[onerror]').length") == 0
        )


def enumerate_texts(texts):
    return ((f"analysis{number}", text) for number, text in enumerate(texts))


def made_panels():
    (drawing,) = RelaxationQuestion.figures.values()
    return [Panel("relaxation", drawing, {"quantiles": made_arrays()["modes"]["tau"].T})]
