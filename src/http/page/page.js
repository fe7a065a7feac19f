// Keeps the page true: asks for /api/v1/live every other second and fills the
// elements that the server has made. Elements are changed only where their
// text is, so that nothing flickers and focus, selection and scroll stay.
"use strict";

const EVERY = 2000;
const MOST_WAIT = 10000;
const ANSWER_WITHIN = 10000;

// How values look; the server's `show.rs` has the same.
const group = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
const text = (s) => String(s ?? "").replace(/[\u0000-\u001f\u007f]/g, "\ufffd");
const two = (a, unit, b, part) => (b ? `${a} ${unit} ${b} ${part}` : `${a} ${unit}`);
const show = {
  text,
  n: group,
  maybe: (n) => (n === null ? "–" : group(n)),
  rate: (v) => (v > 0 && v < 10 ? v.toFixed(1) : group(v)),
  bytes(v) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let unit = 0;
    for (; v >= 1024 && unit < units.length - 1; unit++) v /= 1024;
    return `${v.toFixed(unit > 0 && v < 100 ? 1 : 0)} ${units[unit]}`;
  },
  n_bytes: (v) => show.bytes(v),
  share: (part, whole) => (whole === 0 ? "–" : `${((part * 100) / whole).toFixed(1)} %`),
  span(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor(s / 60) % 60, "min");
    return two(Math.floor(s / 86400), "d", Math.floor(s / 3600) % 24, "h");
  },
  maybe_span: (s) => (s === null ? "–" : show.span(s)),
  time: (s) => (s > 0 ? `${new Date(Math.floor(s) * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC` : "–"),
  ago: (s) => (s > 0 ? `${show.span(now - s)} ago` : "–"),
  yes: (v) => (v === null ? "–" : v ? "yes" : "no"),
  or: (s) => (s === null ? "–" : text(s)),
  status: (s) => (s === null ? "" : String(s)),
  words: (s) => text(s).replaceAll("_", " "),
};

function outline(bars) {
  const most = Math.max(1, ...bars);
  return bars
    .map((bar, x) => {
      const height = Math.max(2, Math.round((bar * 20) / most));
      return bar ? `M${x} 20v-${height}h.8v${height}z` : "";
    })
    .join("");
}

function barsWords(bars, seconds) {
  const sum = bars.reduce((a, b) => a + b, 0);
  if (!sum) return "15 minutes without a hit";
  return `${group(sum)} in 15 minutes, at most ${group(Math.max(...bars))} in ${seconds} seconds`;
}

let now = 0;
const canHover = matchMedia("(hover: hover)");
const byId = (id) => document.getElementById(id);
const at = (data, path) => path.split(".").reduce((value, name) => value?.[name], data);

function setText(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// Fills what lies below `root` and belongs to it, from `data`.
function fill(root, data, seconds) {
  const own = (element) => (root === document ? !element.closest("tbody") : true);
  for (const element of root.querySelectorAll("[data-f]")) {
    if (!own(element)) continue;
    const values = element.dataset.f.split(" ").map((path) => at(data, path));
    if (values[0] !== undefined) setText(element, show[element.dataset.k ?? "text"](...values));
  }
  for (const element of root.querySelectorAll("[data-if]")) {
    if (!own(element)) continue;
    const not = element.dataset.if.startsWith("!");
    element.hidden = Boolean(at(data, element.dataset.if.replace("!", ""))) === not;
  }
  for (const svg of root.querySelectorAll("[data-bars]")) {
    if (!own(svg)) continue;
    const part = svg.closest("[data-in]");
    const { bars } = part ? at(data, part.dataset.in) : data;
    setAttribute(svg.firstElementChild, "d", outline(bars));
    setAttribute(svg, "aria-label", barsWords(bars, seconds));
  }
}

// Makes `body` have a row for each of `items`, in their order. While somebody
// is in the table, rows stay where they are: nothing may move under a finger.
function rows(body, template, items, identity, dress) {
  const old = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  const held = body.contains(document.activeElement) || (canHover.matches && body.matches(":hover"));
  let next = body.firstElementChild;
  for (const item of items) {
    const id = identity(item);
    let row = old.get(id);
    const made = !row;
    if (made) {
      row = template.content.firstElementChild.cloneNode(true);
      row.dataset.id = id;
    }
    old.delete(id);
    dress(row, item);
    if (held) {
      if (made) body.append(row);
    } else if (row === next) {
      next = next.nextElementSibling;
    } else {
      body.insertBefore(row, next);
    }
  }
  for (const row of old.values()) row.remove();
}

const filter = byId("filter");

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  const all = byId("code-rows").rows;
  for (const row of all) {
    row.hidden = !words.every((word) => row.dataset.words.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  setText(byId("shown"), words.length ? `${shown} of ${all.length}` : "");
}

function render(live) {
  now = live.time;
  document.title = `errtally: ${live.headline.title}`;
  setAttribute(byId("headline"), "data-tone", live.headline.tone);
  fill(document, live, live.bar_seconds);
  rows(byId("code-rows"), byId("code-row"), live.codes, (code) => code.id, (row, code) => {
    fill(row, code, live.bar_seconds);
    row.classList.toggle("still", !code.last_minute);
    row.querySelector("[data-page]").hidden = code.code === "other";
    setAttribute(row.querySelector("[data-link]"), "href", `catalog/${encodeURIComponent(code.code)}`);
    setAttribute(row.querySelector(".category"), "data-c", code.category);
    row.dataset.words = [
      code.code, code.api_service, code.http_status, code.category, show.words(code.category), code.message,
      code.action, code.known ? "" : "unknown", code.retryable ? "retryable" : "",
    ].join(" ").toLowerCase();
  });
  rows(byId("service-rows"), byId("service-row"), live.services, (s) => s.api_service, (row, service) => {
    fill(row, service, live.bar_seconds);
    setAttribute(row.querySelector("[data-link]"), "href", `#${encodeURIComponent(service.api_service)}`);
    const list = row.querySelector("[data-list]");
    const wanted = service.categories.map((c) => [show.words(c.category), group(c.count)]);
    if (list.textContent !== wanted.map((pair) => pair.join(" ")).join("")) {
      list.replaceChildren(...wanted.map(([name, count]) => {
        const item = document.createElement("li");
        const bold = document.createElement("b");
        bold.textContent = count;
        item.append(`${name} `, bold);
        return item;
      }));
    }
  });
  applyFilter();
}

let answered = Date.now();
let wait = EVERY;
let timer = 0;
let asking = false;
let shape = "";

function tell() {
  const away = wait > EVERY;
  document.body.classList.toggle("away", away);
  setText(byId("link"), away ? "errtally does not answer" : "live");
  setText(byId("since"), away ? `no answer since ${show.span((Date.now() - answered) / 1000)}` : "");
}

async function ask() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const answer = await fetch("api/v1/live", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const live = await answer.json();
    // Another version, or one with other parts: its page is another, too.
    const parts = [live.kafka, live.events, live.labels].map(Boolean);
    const present = [live.version, ...parts].join();
    if (document.body.dataset.version !== live.version || (shape && shape !== present)) return location.reload();
    shape = present;
    render(live);
    answered = Date.now();
    wait = EVERY;
  } catch {
    wait = Math.min(MOST_WAIT, wait * 1.5);
  } finally {
    asking = false;
  }
  tell();
  if (!document.hidden) timer = setTimeout(ask, wait);
}

function filterFromAddress() {
  let wanted = location.hash.slice(1);
  if (byId(wanted)) return;
  try {
    wanted = decodeURIComponent(wanted);
  } catch {
    // A percent sign that somebody typed.
  }
  filter.value = wanted;
  applyFilter();
}

for (const row of byId("code-rows").rows) row.dataset.words = row.textContent.toLowerCase();
filter.closest("p").hidden = false;
filter.addEventListener("input", () => {
  history.replaceState(null, "", filter.value ? `#${encodeURIComponent(filter.value)}` : location.pathname);
  applyFilter();
});
addEventListener("hashchange", filterFromAddress);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== filter && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    filter.focus();
    filter.select();
  }
});
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
// Seconds go on while nothing comes.
setInterval(() => wait > EVERY && tell(), 1000);
filterFromAddress();
ask();
