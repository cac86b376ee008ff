// The overview: how the installation does just now and in the last hour. The law: the broker keeps the hour, so who comes or
// reloads sees all of it; when the stream breaks the charts stand still and the page says so.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, explained, follow, get } from "./api.js";
import { chart } from "./chart.js";
import { fine, hourMinute, milliseconds, number } from "./format.js";
import { heading, link, liveness, repeat } from "./pieces.js";

const HOUR_MS = 3_600_000;
const SAMPLE_MS = 5000;
const SILENT_MS = 10_000;
const HEALTH_MS = 15_000;
const TABLE_MS = 300_000;

const CHARTS = () => [
  { title: t("Sessions"), text: number, least: 5, lines: [{ key: "sessions", tone: "first" }] },
  { title: t("Messages a second"), text: fine, lines: [{ key: "messages_per_s", tone: "first" }] },
  { title: t("Deliveries a second"), text: fine, lines: [{ key: "deliveries_per_s", tone: "first" }] },
  {
    title: t("Commit to disk"), text: (value) => (value ? milliseconds(value) : "–"), least: 5, idle: true,
    lines: [{ key: "commit_p50_ms", name: t("half"), tone: "first" }, { key: "commit_p99_ms", name: "99 %", tone: "second" }],
  },
  { title: t("Commits not yet in the store"), text: number, least: 10, lines: [{ key: "backlog_commits", tone: "first" }] },
  { title: t("Refusals and errors a second"), text: fine, lines: [{ key: "errors_per_s", tone: "second" }] },
];

export function show(main, { title, signal }) {
  const live = liveness();
  const health = h("div");
  const charts = CHARTS().map(chart);
  const numbers = h("div");
  let samples = [];

  const onLine = ({ samples: kept, now, fault, reason }) => {
    live.onState(!fault, explained({ reason, message: fault }));
    if (kept) samples = kept;
    if (now) samples = added(samples, now);
    for (const each of charts) each.draw(samples);
    if (kept || !numbers.childElementCount) fill(numbers, tableOf(samples));
  };

  main.append(
    heading(title, live.element), health,
    h("div.charts", charts.map(({ element }) => element)),
    h("details.card", h("summary", t("The numbers of the charts as a table")), numbers),
  );
  follow(() => at("live"), { signal, onLine, onState: live.onState, silentMs: SILENT_MS });
  repeat(HEALTH_MS, signal, () => drawHealth(health, signal));
}

// The newest sample moves until it is a sample's time old; then the next begins.
export function added(samples, now) {
  const settled = samples.length > 1 && now.at_ms - samples.at(-2).at_ms < SAMPLE_MS ? samples.slice(0, -1) : samples;
  return [...settled.filter((each) => each.at_ms >= now.at_ms - HOUR_MS && each.at_ms < now.at_ms), now];
}

async function drawHealth(place, signal) {
  let bad;
  try {
    bad = (await get(at("health"), { signal })).checks.filter((each) => !each.ok);
  } catch (error) {
    if (!signal.aborted) fill(place, h("p.notice.warn", error.message));
    return;
  }
  const shown = bad.length
    ? h("div.notice.bad.row.apart", h("p", bad.map(({ name, words, values }) => `${t(name)}: ${t(words, values)}`).join(" ")), link(t("What to do"), "health"))
    : null;
  if (shown?.textContent !== place.firstChild?.textContent) fill(place, shown);
}

function tableOf(samples) {
  const columns = CHARTS().flatMap(({ title, text, lines }) =>
    lines.map(({ key, name }) => ({ key, text, title: name ? `${title}, ${name}` : title })));
  const steps = new Map(samples.map((each) => [Math.floor(each.at_ms / TABLE_MS), each]));
  return h("div.scrolls", { tabindex: 0, role: "region", "aria-label": t("The numbers of the charts as a table") }, h(
    "table", h("caption.unseen", t("Every five minutes of the last hour")),
    h("thead", h("tr", h("th", { scope: "col" }, t("Time")), columns.map(({ title }) => h("th.number", { scope: "col" }, title)))),
    h("tbody", [...steps.values()].reverse().map((each) =>
      h("tr", h("th.number", { scope: "row" }, hourMinute(each.at_ms)), columns.map(({ key, text }) => h("td.number", text(each[key] ?? 0)))))),
  ));
}
