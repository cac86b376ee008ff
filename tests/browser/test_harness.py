"""The watch and the checks find what they are for: a page made wrong on purpose has each flaw named."""

from __future__ import annotations

from tests.browser.checks import flaws
from tests.browser.conftest import OpenPage, Watch

WRONG = """
() => {
  const main = document.querySelector("main");
  main.replaceChildren();
  const add = (name, attributes = {}, text = "") => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    main.append(made);
    return made;
  };
  add("button");
  add("h4", {}, "too deep");
  add("p", { id: "twice" }, "one");
  add("p", { id: "twice" }, "two");
  add("p", { role: "nonsense" }, "no such role");
  add("img", { src: "data:," });
  add("p", {}, "faint").style.color = "rgb(200, 200, 200)";
  add("p", {}, "wide").style.width = "5000px";
  add("input", { "aria-label": "a", tabindex: "3" });
}
"""


FLAWS = (
    "no name: <button",
    "heading 4",
    "id twice: twice",
    "no such role",
    "no alt",
    "contrast",
    "wider than",
    "order of its own",
)


def test_each_flaw_is_found(open_page: OpenPage) -> None:
    page = open_page("/-/docs")
    page.locator("section").first.wait_for()
    page.evaluate(WRONG)
    found = "\n".join(flaws(page))
    assert [flaw for flaw in FLAWS if flaw not in found] == []


def test_errors_and_requests_that_leave_are_noticed(open_page: OpenPage, watch: Watch) -> None:
    page = open_page("/-/docs")
    page.evaluate("fetch('http://192.0.2.1/').catch(() => console.error('one'))")
    page.evaluate("new Promise((go) => setTimeout(() => { setTimeout(go); throw new Error('two') }))")
    found = "\n".join(watch.faults)
    assert "console: one" in found
    assert "exception: two" in found
    assert "Content Security Policy" in found
    watch.went("https://elsewhere.example/")
    assert watch.faults[-1] == "left the host: https://elsewhere.example/"
    watch.faults.clear()
