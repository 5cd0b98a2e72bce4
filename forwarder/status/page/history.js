// The last 24 hours, drawn by uPlot.
const plotKinds = [
  { title: "Hub events a minute", lines: [["arrived", "arrived_hub_events", "--plot"], ["handled", "handled_hub_events", "--second"]], format: number, axis: compact },
  { title: "Hub events waiting", lines: [["waiting", "lag_events", "--plot"]], format: number, axis: compact },
  { title: "Age of the newest delivered hub event", lines: [["age", "age_seconds", "--plot"]], format: duration, axis: duration },
  { title: "Audit events delivered a minute", lines: [["delivered", "delivered_audit_events", "--plot"]], format: number, axis: compact },
  { title: "Sink's slowest answer in a minute", lines: [["answer", "answer_seconds", "--plot"]], format: duration, axis: duration },
];
// steps are what the marks of an axis with durations may be apart, in seconds.
const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800,
  3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800, 1209600];
const spans = [["1 hour", 3600], ["6 hours", 6 * 3600], ["24 hours", 24 * 3600]];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const plotHeight = 130;
const allPlots = new Set();
let span = 24 * 3600;

// shadeFailures colours the minutes in which a POST failed.
function shadeFailures(plot) {
  const { failed } = plot;
  if (!failed) return;
  plot.ctx.fillStyle = colour("--bad-ground");
  plot.data[0].forEach((at, i) => {
    if (failed[i] !== 1) return;
    const left = plot.valToPos(at, "x", true);
    const right = plot.valToPos(at + 60, "x", true);
    const { left: from, top, width, height } = plot.bbox;
    const [a, b] = [Math.max(left, from), Math.min(right, from + width)];
    if (b > a) plot.ctx.fillRect(a, top, Math.max(1, b - a), height);
  });
}

// showValues writes the numbers under the cursor, or else those of the last minute that is over.
function showValues(plot, kind, keys) {
  const times = plot.data[0];
  const under = plot.cursor.idx ?? null;
  const at = under ?? Math.max(0, times.length - 2);
  kind.lines.forEach(([label], i) => {
    setText(keys[i].lastChild, `${label} ${kind.format(plot.data[i + 1][at])}${under === null ? "" : ` at ${clock(times[at])}`}`);
  });
}

function newPlot(kind) {
  const figure = element("figure");
  const caption = element("figcaption", "", `${kind.title}: `);
  const keys = kind.lines.map(([label], i) => {
    const key = element("span", "key");
    const sample = element("span", i ? "sample dashed" : "sample");
    key.append(sample, element("span", "", label));
    return key;
  });
  caption.append(...keys);
  const host = element("div", "chart");
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", kind.title);
  figure.append(caption, host);
  const axis = { stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const made = { figure, kind, plot: null, span: null };
  made.draw = (data, failed) => {
    if (!made.plot) {
      made.plot = new uPlot({
        width: Math.max(200, host.clientWidth), height: plotHeight, legend: { show: false },
        cursor: { sync: { key: "history" }, y: false, drag: { x: true, y: false } },
        scales: { y: { range: (_, least, most) => [0, most > 0 ? most * 1.08 : 1] } },
        axes: [{ ...axis, size: 26, values: (_, at) => at.map(clock) }, { ...axis, size: 66, values: (_, at) => at.map((n) => kind.axis(n)), ...(kind.axis === duration ? { incrs: steps } : {}) }],
        series: [{}, ...kind.lines.map(([label, , tone], i) => ({ label, stroke: () => colour(tone), width: 1.5, dash: i ? [4, 3] : undefined, points: { show: false } }))],
        hooks: { drawClear: [shadeFailures], setCursor: [(plot) => showValues(plot, kind, keys)] },
      }, data, host);
      host.addEventListener("dblclick", () => made.zoom());
      new ResizeObserver(() => {
        if (host.clientWidth > 0) made.plot.setSize({ width: host.clientWidth, height: plotHeight });
      }).observe(host);
    }
    made.plot.failed = failed;
    made.plot.setData(data, false);
    const { min, max } = made.plot.scales.x;
    if (made.span === null || min === made.span.min && max === made.span.max) made.zoom();
    else made.plot.redraw(); // a time that somebody has enlarged stays
    showValues(made.plot, kind, keys);
    host.setAttribute("aria-label", `${kind.title} in the last ${spans.find(([, seconds]) => seconds === span)[0]}. ${keys.map((key) => key.textContent).join(", ")} now.`);
  };
  made.zoom = () => {
    const last = made.plot.data[0].at(-1) + 60;
    made.span = { min: last - span, max: last };
    made.plot.setScale("x", made.span);
  };
  allPlots.add(made);
  return made;
}

// newHistory adds the plots to a place. It returns a function that draws a history in them.
function newHistory(place) {
  const plots = plotKinds.map(newPlot);
  place.append(...plots.map((made) => made.figure));
  place.hidden = true;
  return (history) => {
    place.hidden = history.handled_hub_events.length === 0;
    if (place.hidden) return;
    const start = Date.parse(history.start) / 1000;
    const times = history.handled_hub_events.map((_, i) => start + i * history.step_seconds);
    for (const made of plots) made.draw([times, ...made.kind.lines.map(([, field]) => history[field])], history.post_failed);
  };
}

// fetchHistory asks for the history of a partition, or of all, and draws it. What fails is asked again later.
async function fetchHistory(draw, partition) {
  try {
    const query = partition === undefined ? "" : `?partition=${encodeURIComponent(partition)}`;
    const answer = await fetch(`history.json${query}`, { cache: "no-store", signal: AbortSignal.timeout(timeout) });
    if (answer.ok) draw(await answer.json());
  } catch {
    // The page says that the daemon does not answer when it asks for the status.
  }
}

function addSpans() {
  for (const [label, seconds] of spans) {
    const button = element("button", "", label);
    button.type = "button";
    button.setAttribute("aria-pressed", String(seconds === span));
    button.addEventListener("click", () => {
      span = seconds;
      for (const other of byId("spans").children) other.setAttribute("aria-pressed", String(other === button));
      for (const made of allPlots) if (made.plot) made.zoom();
    });
    byId("spans").append(button);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const made of allPlots) if (made.plot) made.plot.redraw();
});
