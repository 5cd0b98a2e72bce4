"use strict";
// Fetches status.json every two seconds and shows it. All text is set by textContent, so it never becomes markup.
(() => {
  const interval = 2000; // ms between two requests
  const timeout = 5000; // ms until a request counts as unanswered
  const samples = 90; // in a plot: three minutes
  const plot = { width: 150, height: 32 };
  const verdicts = ["delivered", "skipped", "dead_lettered", "dropped"];
  const columns = [
    ["Partition", "text"], ["Owner", "text"], ["Position", ""], ["Lag", ""], ["Age", ""], ["Records/s", "text"],
    ["Delivered", ""], ["Skipped", ""], ["Dead letters", ""], ["Dropped", ""], ["Sink's last answer", "text"],
  ];
  const clusterColumns = [["Cluster", "text"], ["Records", ""], ["Newest", ""]];
  const history = new Map(); // partition -> { at, count, rates }
  let answered = null; // when the last answer came

  const byId = (id) => document.getElementById(id);
  const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  function element(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function svg(name, attributes) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  }

  // number formats 1234567 as 1,234,567, and null as a dash.
  const number = (n, digits = 0) => (n === null || n === undefined ? "–"
    : n.toLocaleString("en", { maximumFractionDigits: digits }));
  const rate = (n) => number(n, n < 10 ? 1 : 0);

  // duration formats seconds in their two largest units.
  function duration(seconds) {
    if (seconds === null || seconds === undefined) return "–";
    if (seconds < 0.9995) return number(seconds * 1000, seconds < 0.01 ? 1 : 0) + " ms";
    if (seconds < 59.5) return number(seconds, seconds < 10 ? 1 : 0) + " s";
    const whole = Math.round(seconds);
    const [d, h, m, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
    if (d > 0) return `${d} d ${h} h`;
    return h > 0 ? `${h} h ${m} min` : `${m} min ${s} s`;
  }

  // since returns the seconds from then to the daemon's now. The browser's clock may differ from the daemon's.
  const since = (status, then) => Math.max(0, (Date.parse(status.time) - Date.parse(then)) / 1000);
  const ago = (status, then) => `${duration(Math.floor(since(status, then)))} ago`.replace(/^0 ms ago$/, "now");

  // answerText describes the result of a POST. It begins with a mark, so that colour is not the only sign.
  function answerText(status, answer) {
    if (!answer) return { text: "none yet", kind: "", detail: "" };
    const took = `in ${duration(answer.seconds)}, ${ago(status, answer.at)}`;
    if (!answer.failure) return { text: `✓ ${answer.status}`, kind: "good", detail: took };
    return { text: `✗ ${answer.failure}`, kind: "bad", detail: took };
  }

  // learn computes a partition's rate from two answers in a row.
  function learn(id, at, records) {
    const count = verdicts.reduce((sum, verdict) => sum + (records ? records[verdict] : 0), 0);
    const known = history.get(id);
    if (!known || count < known.count) { // a new partition, or the daemon has restarted
      history.set(id, { at, count, rates: [] });
      return;
    }
    if (at <= known.at) return;
    known.rates.push((count - known.count) / ((at - known.at) / 1000));
    known.rates.splice(0, Math.max(0, known.rates.length - samples));
    known.at = at;
    known.count = count;
  }

  const ratesOf = (id) => (history.get(id) || { rates: [] }).rates;

  function drawPlot(node, rates) {
    const most = Math.max(1, ...rates);
    const x = (i) => plot.width - (rates.length - 1 - i) * (plot.width / (samples - 1));
    const y = (r) => plot.height - 2 - (r / most) * (plot.height - 4);
    const points = rates.map((r, i) => `${x(i).toFixed(1)},${y(r).toFixed(1)}`);
    node.line.setAttribute("points", points.join(" "));
    node.area.setAttribute("d", points.length < 2 ? ""
      : `M${x(0).toFixed(1)},${plot.height} L${points.join(" L")} L${plot.width},${plot.height} Z`);
    const now = rates.length ? rates[rates.length - 1] : null;
    node.svg.setAttribute("aria-label", now === null ? "no rate is known yet"
      : `${rate(now)} records a second now, ${rate(Math.max(...rates))} at most in the last three minutes`);
    setText(node.value, rate(now));
  }

  function newPlot(cell) {
    const node = {
      svg: svg("svg", { width: plot.width, height: plot.height, viewBox: `0 0 ${plot.width} ${plot.height}`, role: "img" }),
      area: svg("path", {}), line: svg("polyline", {}), value: element("span"),
    };
    node.svg.append(node.area, node.line);
    cell.append(node.svg, node.value);
    return node;
  }

  const rows = new Map(); // partition -> { row, cells, plot }
  const clusterRows = new Map(); // cluster -> { row, cells }

  function newCells(labels) {
    const row = element("tr");
    row.setAttribute("role", "row");
    const cells = labels.map(([label, kind], i) => {
      const cell = element(i === 0 ? "th" : "td", kind);
      cell.setAttribute("role", i === 0 ? "rowheader" : "cell");
      if (i === 0) cell.scope = "row";
      cell.dataset.label = label;
      const content = element("span");
      cell.append(content);
      row.append(cell);
      return { cell, content };
    });
    return { row, cells };
  }

  function newRow(id) {
    const { row, cells } = newCells(columns);
    row.dataset.partition = id;
    cells[5].cell.classList.add("rate");
    return { row, cells, plot: newPlot(cells[5].content) };
  }

  function setWithSub(content, text, kind, sub) {
    if (!content.firstChild) content.append(element("span"), element("span", "sub"));
    content.firstChild.className = kind;
    setText(content.firstChild, text);
    setText(content.lastChild, sub);
  }

  function ownerText(status, partition) {
    switch (partition.state) {
      case "here": return ["this replica", "", partition.owner];
      case "elsewhere": return [partition.owner, "", "not this replica"];
      case "unowned": return ["! no owner", "warn", "nobody reads it"];
      default: return ["given up", "", "by this replica"];
    }
  }

  function fillRow({ cells, plot: node }, status, partition) {
    const records = partition.records || {};
    setText(cells[0].content, partition.id);
    setWithSub(cells[1].content, ...ownerText(status, partition));
    setText(cells[2].content, number(partition.position));
    setText(cells[3].content, number(partition.lag_events));
    setText(cells[4].content, duration(partition.age_seconds));
    drawPlot(node, ratesOf(partition.id));
    verdicts.forEach((verdict, i) => setText(cells[6 + i].content, number(records[verdict])));
    const answer = answerText(status, partition.last_answer);
    setWithSub(cells[10].content, answer.text, answer.kind, answer.detail);
  }

  function showPartitions(status) {
    const body = byId("partitions");
    const present = new Set(status.partitions.map((partition) => partition.id));
    for (const [id, known] of rows) {
      if (!present.has(id)) { known.row.remove(); rows.delete(id); }
    }
    status.partitions.forEach((partition, i) => {
      learn(partition.id, Date.parse(status.time), partition.records);
      if (!rows.has(partition.id)) rows.set(partition.id, newRow(partition.id));
      const known = rows.get(partition.id);
      fillRow(known, status, partition);
      if (body.children[i] !== known.row) body.insertBefore(known.row, body.children[i] || null);
    });
    byId("no-partitions").hidden = status.partitions.length > 0;
  }

  function newClusterRow(name) {
    const known = newCells(clusterColumns);
    known.row.dataset.cluster = name;
    return known;
  }

  function showClusters(status) {
    const body = byId("clusters");
    const clusters = status.clusters || [];
    const present = new Set(clusters.map((cluster) => cluster.name));
    for (const [name, known] of clusterRows) {
      if (!present.has(name)) { known.row.remove(); clusterRows.delete(name); }
    }
    clusters.forEach((cluster, i) => {
      if (!clusterRows.has(cluster.name)) clusterRows.set(cluster.name, newClusterRow(cluster.name));
      const { row, cells } = clusterRows.get(cluster.name);
      setText(cells[0].content, cluster.name);
      setText(cells[1].content, number(cluster.records));
      const newest = cluster.newest ? ago(status, cluster.newest) : "–";
      if (cluster.silent) setWithSub(cells[2].content, "! silent", "warn", newest);
      else setWithSub(cells[2].content, newest, "", "");
      if (body.children[i] !== row) body.insertBefore(row, body.children[i] || null);
    });
    byId("clusters-table").hidden = clusters.length === 0;
    byId("no-clusters").hidden = clusters.length > 0;
  }

  const figures = new Map(); // label -> dd

  function figure(label, text, kind, wide) {
    if (!figures.has(label)) {
      const box = element("div", wide ? "wide" : "");
      const value = element("dd");
      box.append(element("dt", "", label), value);
      byId("figures").append(box);
      figures.set(label, value);
    }
    const value = figures.get(label);
    value.className = kind || "";
    setText(value, text);
  }

  function showFigures(status) {
    const here = status.partitions.filter((partition) => partition.state === "here");
    const lag = here.reduce((sum, partition) => sum + (partition.lag_events || 0), 0);
    const latest = status.partitions.map((partition) => ratesOf(partition.id).slice(-1)).flat();
    figure("Owned here", `${here.length} of ${number(status.partitions.length)}`);
    figure("Lag", here.length ? number(lag) : "–");
    figure("Records/s", latest.length ? rate(latest.reduce((sum, r) => sum + r, 0)) : "–");
    figure("Delivered", number(status.records.delivered));
    figure("Skipped", number(status.records.skipped));
    figure("Dead letters", number(status.records.dead_lettered), status.records.dead_lettered > 0 ? "warn" : "");
    figure("Dropped", number(status.records.dropped), status.records.dropped > 0 ? "bad" : "");
    const answer = answerText(status, status.last_answer);
    figure("Sink's last answer", [answer.text, answer.detail].filter(Boolean).join(" "), answer.kind, true);
  }

  function logEntry(status, entry) {
    const item = element("li");
    const level = entry.level === "warning" ? "warn" : "bad";
    const where = entry.partitions ? `, partition ${entry.partitions.join(", ")}` : "";
    const times = entry.count > 1 ? `, ${number(entry.count)} times in ${duration(Math.max(1,
      Math.round((Date.parse(entry.at) - Date.parse(entry.first)) / 1000)))}` : "";
    item.append(element("span", level, entry.level), ` ${entry.message} `,
      element("span", "quiet", `${ago(status, entry.at)}${where}${times}`));
    if (entry.cause) item.append(element("span", "cause quiet", entry.cause));
    return item;
  }

  function showRecentLog(status) {
    const entries = status.troubles || [];
    byId("recent-log").replaceChildren(...entries.map((entry) => logEntry(status, entry)));
    byId("no-recent-log").hidden = entries.length > 0;
  }

  const banners = {
    "forwarding": ["good", "✓"], "standing by": ["good", "✓"], "stopping": ["warn", "!"],
    "not ready": ["bad", "✗"], "wedged": ["bad", "✗"],
  };

  function showState(status) {
    const [kind, mark] = banners[status.state] || ["bad", "?"];
    byId("banner").className = kind;
    setText(byId("mark"), mark);
    setText(byId("state"), status.state);
    setText(byId("reason"), status.reason.replace(/^(not ready|ready|wedged): /, ""));
    document.title = `${mark} ${status.state} – aks-audit-log-go`;
    setText(byId("version"), status.version);
    setText(byId("setup"), [`${status.hub_host} / ${status.hub} / ${status.consumer_group} → ${status.sink}`, status.replica]
      .filter(Boolean).join(", replica "));
    setText(byId("uptime"), duration(since(status, status.started)));
    byId("balancing").hidden = !status.balancing_failure;
    setText(byId("balancing"), status.balancing_failure
      ? `The last balancing round failed, so the owners are those of the round before: ${status.balancing_failure}` : "");
  }

  // showIntermediary says who answers in place of Falco, if anybody does. The log says what leads past it.
  function showIntermediary(status) {
    const name = status.sink_intermediary;
    byId("intermediary").hidden = !name;
    setText(byId("intermediary"), name
      ? `The connection to the sink ends at ${name}, not at Falco: a restart of Falco can lose up to 50 requests. The log says what leads past it.` : "");
  }

  // showBacklog says how far the replica is behind the hub while it is.
  function showBacklog(status) {
    const backlog = status.backlog;
    byId("backlog").hidden = !backlog;
    if (!backlog) {
      setText(byId("backlog"), "");
      return;
    }
    const moves = backlog.hub_events_per_second > 0;
    const end = backlog.catchup_seconds !== null ? `Caught up in about ${duration(backlog.catchup_seconds)}.`
      : moves ? "As many arrive, so at this rate it will not catch up." : "When it has caught up is not known.";
    const waiting = backlog.hub_events === 1 ? "1 hub event waits" : `${number(backlog.hub_events)} hub events wait`;
    setText(byId("backlog"), `Behind the hub: ${waiting}, the oldest for ${duration(backlog.oldest_age_seconds)}. `
      + `In the last minute ${rate(backlog.hub_events_per_second)} hub events/s were handled (${rate(backlog.audit_events_per_second)} audit events/s). ${end}`);
  }

  function show(status) {
    answered = Date.now();
    byId("offline").hidden = true;
    byId("updated").dateTime = status.time;
    setText(byId("updated"), new Date(answered).toLocaleTimeString("en-GB"));
    showState(status);
    showIntermediary(status);
    showBacklog(status);
    showPartitions(status);
    showClusters(status);
    showFigures(status);
    showRecentLog(status);
  }

  // showOffline says that the page is out of date. Its text changes only with the state, so that a screen reader does not
  // repeat it every two seconds.
  function showOffline() {
    byId("offline").hidden = false;
    setText(byId("offline"), answered === null ? "The daemon does not answer."
      : `The daemon does not answer. What is shown is of ${new Date(answered).toLocaleTimeString("en-GB")}.`);
  }

  async function update() {
    if (!document.hidden) {
      try {
        const answer = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(timeout) });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        show(await answer.json());
      } catch {
        showOffline();
      }
    }
    setTimeout(update, interval);
  }

  for (const [labels, id] of [[columns, "columns"], [clusterColumns, "cluster-columns"]]) {
    for (const [label, kind] of labels) {
      const head = element("th", kind, label);
      head.scope = "col";
      head.setAttribute("role", "columnheader");
      byId(id).append(head);
    }
  }
  update();
})();
