"""What an operator sees of both programs while they run: metrics, sessions, one connection; and that dashboard and alerts
ask for nothing that is not there."""

from __future__ import annotations

import json
import re
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest
import trio
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer

SYSTEMD = Path(__file__).parents[2] / "systemd"
TOKEN = "the-operators-token"
TEXT = "x" * 4000
KERNEL_TAKES = 6 << 20
"""More than the buffers of a connection on this machine (net.ipv4.tcp_wmem)."""
NAME = re.compile(r"\bparley_[a-z_]+[a-z]\b(?!\()")
SELECTOR = re.compile(r"\b(parley_[a-z_]+)\{([^}]*)\}")
MATCH = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


async def page(host: Host) -> dict[str, Metric]:
    """The metrics as the operator's Prometheus reads them, by name."""
    async with httpx.AsyncClient(base_url=host.admin_url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.get("/-/metrics")
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    (sample,) = [
        each
        for family in found.values()
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return float(sample.value)


async def said(host: Host, *words: str) -> str:
    """What `parley ...` prints."""
    place = ("--config", str(host.config), "--data", str(host.data))
    done = await trio.run_process([sys.executable, "-m", "adminapi.cli", *words, *place], capture_stdout=True)
    return str(done.stdout.decode())


async def start(host: Host, **sections: dict[str, Any]) -> None:
    host.configure(admin={"operator_token": TOKEN}, **sections)
    host.broker()
    await trio.to_thread.run_sync(host.admin)


async def test_metrics_tell_apps_wires_and_reasons_apart(host: Host) -> None:
    await start(host)
    async with json_peer(host.url) as tom, framed_peer(host.tcp_port) as ann:
        await tom.login("tom", device_id="d")
        await ann.login("ann")
        for number in range(3):
            await tom.ok("msg.send", to="ann", type=-1, text=str(number))
            await ann.push("msg.new")
        await tom.refused("msg.send", conv_id="0" * 32, type=-1, text="to nobody")
        async with json_peer(host.url) as again:
            await again.login("tom", device_id="d")
            await tom.end()
            found = await page(host)
    app = {"app": "666666"}
    assert value(found, "parley_broker_up") == 1
    assert value(found, "parley_sessions", **app, wire="native") == 2
    assert value(found, "parley_sessions", **app, wire="leancloud") == 0
    assert value(found, "parley_logins_total", **app, wire="native") == 3
    assert value(found, "parley_messages_total", **app) == 3
    assert value(found, "parley_deliveries_total", **app) >= 3
    assert value(found, "parley_kicks_total", reason="replaced") == 1
    assert sum(each.value for each in found["parley_refused"].samples) >= 1
    assert found["parley_turn_seconds"].type == found["parley_commit_images"].type == "histogram"
    turns = value(found, "parley_turn_seconds_count")
    assert 0 < turns <= value(found, "parley_turn_seconds_bucket", le="+Inf") == turns
    assert value(found, "parley_commit_images_count") <= value(found, "parley_commits_total")


async def test_a_connection_that_does_not_read_is_seen_to_wait(host: Host) -> None:
    await start(host, sockets={"outbox_bytes": 64 << 20, "outbox_seconds": 600})
    async with framed_peer(host.tcp_port) as tom:
        await tom.login("tom")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.connect(("127.0.0.1", host.tcp_port))
            login = {"type": "login", "id": 1, "data": {"app_id": "666666", "client_id": "ann", "device_id": "x"}}
            frame = cbor2.dumps(login)
            deaf.sendall(struct.pack(">I", len(frame)) + frame)
            deaf.settimeout(10)
            assert deaf.recv(1)  # its answer; nothing after it
            for _ in range(KERNEL_TAKES // len(TEXT)):
                await tom.ok("msg.send", to="ann", type=-1, text=TEXT)
            seen = json.loads(await said(host, "sessions", "666666", "--user", "ann", "--json"))
            lines = (await said(host, "tree", seen["session"])).splitlines()
            listed = (await said(host, "sessions", "666666")).splitlines()
            found = await page(host)
            named = "{}:{}".format(*deaf.getsockname())
    assert (seen["user"], seen["device"], seen["wire"], seen["address"]) == ("ann", "x", "native", named)
    assert seen["outbox_bytes"] > len(TEXT)
    assert "user ann of app 666666, device x" in lines[0]
    assert f"open, door tcp, native, from {named}" in lines[1]
    assert any(re.search(r"outbox +\d{4,} bytes in \d+ frames, its peer has taken nothing for", line) for line in lines)
    assert [line.split()[1] for line in listed] == ["tom", "ann"]
    assert value(found, "parley_outboxes_blocked") == 1
    assert value(found, "parley_outbox_bytes") > len(TEXT)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("tree", "nonsense"), "a session is named by up to 16 hex digits"),
        (("tree", "00ff"), "no connection has the session 00ff now"),
        (("sessions", "nobody"), "there is no app nobody"),
    ],
    ids=["nonsense", "gone", "app"],
)
async def test_what_is_not_there_is_said_in_a_sentence(host: Host, words: tuple[str, ...], sentence: str) -> None:
    host.broker()
    command = [sys.executable, "-m", "adminapi.cli", *words, "--config", str(host.config), "--data", str(host.data)]
    done = await trio.run_process(command, capture_stderr=True, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"parley: {sentence}")


def asked() -> Iterator[tuple[str, str]]:
    """Every expression of the dashboard and of the alerts, and where it stands."""
    dashboard = json.loads((SYSTEMD / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]
    for group in yaml.safe_load((SYSTEMD / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"].keys() == {"summary", "what"}
            yield rule["alert"], rule["expr"]


async def test_dashboard_and_alerts_ask_for_what_there_is(host: Host) -> None:
    await start(host)
    await page(host)  # whose answer is counted on the next one
    found = await page(host)
    samples: dict[str, list[dict[str, str]]] = {}
    for family in found.values():
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample.labels)
    expressions = list(asked())
    assert len(expressions) > 40
    drawn = {name for _, expression in expressions for name in NAME.findall(expression)}
    assert {"parley_commit_seconds_bucket", "parley_commit_images_bucket", "parley_turn_seconds_bucket"} <= drawn
    for where, expression in expressions:
        assert expression.count("(") == expression.count(")"), where
        for name in NAME.findall(expression):
            assert name in samples, f"{where}: {name}"
        for name, matches in SELECTOR.findall(expression):
            for label, how, wanted in MATCH.findall(matches):
                if label == "instance":  # which Prometheus itself adds
                    continue
                values = [labels[label] for labels in samples[name] if label in labels]
                assert values, f"{where}: {name} has no {label}"
                if how == "=":
                    assert wanted in values, f"{where}: {name} has no {label} {wanted}"
