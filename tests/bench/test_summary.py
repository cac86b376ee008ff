"""All scenarios in one table: which rows count, that report and README have the same, and what is said of cheaper peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import figure
from bench.machine import ROOT
from bench.page import publish
from bench.report import Row, Table
from bench.summary import BEGIN, END, markdown, of_page, of_tables, quote, quoted

NAMES = {"parley": "Parley, fsync", "nats": "nats-server 2.15.1, mem", "ws": "ws 8.23.0, mem", "sql": "Parley on SQL, fsync"}


def table(title: str, **costs: float) -> Table:
    names = {
        "parley": "Parley, fsync",
        "nats": "nats-server 2.15.1, mem",
        "ws": "ws 8.23.0, mem",
        "sql": "Parley on SQL, fsync",
    }
    return Table(title, ("us",), tuple(Row(names[each], {"us": figure([cost])}) for each, cost in costs.items()))


FANOUT = table("fanout: 1 to 500, 320 messages a round", parley=1.5, nats=2.0, ws=9.0)
LOGIN = table("login: 10 logins", parley=1234.0, nats=118.0)


def test_a_line_has_parley_and_its_peers_and_no_other_row() -> None:
    (found,) = of_tables([table("direct", parley=2.0, ws=3.0, sql=1.0)])
    assert found.figures == {"Parley": "2.00", "ws": "3.00"}
    assert of_tables([table("stores", parley=2.0, sql=1.0), table("alone", nats=2.0, ws=1.0)]) == []


def test_every_peer_that_is_cheaper_is_named() -> None:
    text = markdown(of_tables([FANOUT, LOGIN]))
    assert text[0] == "| | | Parley | nats-server | ws |"
    assert text[2:4] == ["| fanout: 1 to 500 | us | 1.50 | 2.00 | 9.00 |", "| login: 10 logins | us | 1,234 | 118 | - |"]
    assert text[-1] == "Cheaper than Parley: login: 10 logins (nats-server)."
    assert markdown(of_tables([FANOUT]))[-1] == "No peer is cheaper than Parley in any of these."


def test_a_page_says_what_its_tables_say(tmp_path: Path) -> None:
    page = publish(tmp_path, ["Parley abc", "a machine", "full sizes"], {"fanout": ("", [FANOUT]), "login": ("", [LOGIN])})
    assert of_page(page.read_text()) == of_tables([FANOUT, LOGIN])
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n")
    quote(readme, page)
    assert readme.read_text() == f"before\n{quoted(page.read_text())}\nafter\n"
    assert "Parley abc; a machine; full sizes." in readme.read_text()
    readme.write_text("no place")
    with pytest.raises(ValueError, match="no place for figures"):
        quote(readme, page)


def test_the_readme_quotes_exactly_the_figures_of_the_report() -> None:
    """`python -m bench --readme` makes it so."""
    assert quoted((ROOT / "bench" / "results" / "report.md").read_text()) in (ROOT / "README.md").read_text()
