"""The explorer in a real browser."""

import sys
from pathlib import Path

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from browser import open_browser, show
from slowpoints.questions.explorer import ExplorerQuestion
from slowpoints.report.explorer import make_explorer

sys.path.append(str(Path(__file__).parents[1] / "questions"))
from made import dissect, integrator

PLACE = """  // of one mark of a plot, in pixels of the window
const [id, name, number] = arguments, plot = document.getElementById(id), {xaxis, yaxis} = plot._fullLayout;
const trace = plot.data.find(each => each.name === name), box = plot.getBoundingClientRect();
return [box.left + xaxis._offset + xaxis.l2p(trace.x[number]), box.top + yaxis._offset + yaxis.l2p(trace.y[number])];
"""
EIGENVALUES = "return document.getElementById('eigenvalues').data.slice(1).map(trace => [trace.x, trace.y])"
WORDS = "return document.getElementById('words').data.map(trace => trace.x)"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a folder")
    findings = ExplorerQuestion(points=10, documents=6, words=4)(dissect(integrator()))
    html = make_explorer("integrator-made: 100 % right", {"explorer": findings.arrays}, [("It adds up", "holds")])
    (folder / "explorer.html").write_text(html, encoding="utf-8")
    with open_browser(folder / "profile") as browser:
        show(browser, (folder / "explorer.html").as_uri(), "integrator-made", "Word 12 of 12", "mode 1")
        yield browser


def status(page, what):
    return page.find_element(By.ID, f"{what}-status").text


def go_to(page, *mark):
    x, y = page.execute_script(PLACE, *mark)
    actions = ActionChains(page)
    actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
    return actions


def eventually(page, condition):
    """Return what holds as soon as it does: the page draws when the browser finds time."""
    return WebDriverWait(page, 30, ignored_exceptions=(NoSuchElementException, StaleElementReferenceException)).until(
        lambda _: condition()
    )


def press(page, key):
    ActionChains(page).send_keys(key).perform()


def test_it_fetches_nothing_and_reports_no_error(page):
    assert page.execute_script("return performance.getEntriesByType('resource').map(each => each.name)") == []
    assert page.get_log("browser") == []
    assert "holds: 1" in page.find_element(By.TAG_NAME, "summary").text


def test_a_click_on_a_point_shows_its_eigenvalues_and_words(page):
    name = "points where the network is slow"
    of_chosen = "return JSON.parse(document.getElementById('data').textContent).chosen"
    first, last = (page.execute_script(of_chosen)[place] for place in (0, -1))
    seen = []
    for point, theta in ((first, "θ = −1,"), (last, "θ = 1,")):  # noqa: RUF001
        go_to(page, "plane", name, point).perform()
        eventually(page, lambda: page.find_elements(By.CSS_SELECTOR, "#plane .hovertext"))  # what a click refers to
        go_to(page, "plane", name, point).click().perform()
        eventually(page, lambda theta=theta: theta in status(page, "point"))
        seen.append([page.execute_script(EIGENVALUES), page.execute_script(WORDS)])
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


def test_resting_on_a_word_tells_what_it_does(page):
    go_to(page, "plane", "document", 0).perform()
    said = eventually(page, lambda: page.find_element(By.CSS_SELECTOR, "#plane .hovertext").text)
    assert "word 1" in said
    assert "effect on the readout" in said


def test_keys_go_through_words_documents_and_points(page):
    press(page, "n")
    eventually(page, lambda: page.find_element(By.ID, "document").get_attribute("value") == "1")
    press(page, "\ue012")  # left
    eventually(page, lambda: "Word 11 of 12" in status(page, "word"))
    before = status(page, "point")
    press(page, "[")
    eventually(page, lambda: status(page, "point") != before)
    page.find_element(By.CSS_SELECTOR, "#text span").click()
    eventually(page, lambda: "Word 1 of 12" in status(page, "word"))
    assert "spreads away" in status(page, "word")


def test_the_point_follows_the_words_if_asked_to(page):
    page.find_element(By.ID, "follow").click()
    page.find_elements(By.CSS_SELECTOR, "#text span")[6].click()
    place = "return data.chosen[state.point] === data.chosen[data.document_nearest[rowOf()]]"
    assert eventually(page, lambda: page.execute_script(place))
