// The tables of partitions and clusters, and the recent log.
const columns = [["Partition", "text"], ["Condition", "text"], ["Waiting", ""], ["Age", ""], ["Note", "text note"]];
const clusterColumns = [["Cluster", "text name"], ["Records", ""], ["Newest", ""]];
// conditions are in the order of what needs a look first.
const conditions = {
  "not delivering": ["✗", "bad"], "not reading": ["✗", "bad"], behind: ["✗", "bad"], "falling behind": ["!", "warn"],
  "catching up": ["!", "warn"], starting: ["…", "quiet"], "up to date": ["✓", "good"], elsewhere: ["", "quiet"],
};
const order = Object.keys(conditions);
const rows = new Map(); // partition -> { row, cells, details, list, draw }
let latest = null; // the status that is shown
const clusterRows = new Map(); // cluster -> { row, cells }

function addHead(id, labels) {
  for (const [label, kind] of labels) {
    const head = element("th", kind, label);
    head.scope = "col";
    head.setAttribute("role", "columnheader");
    byId(id).append(head);
  }
}

function newCells(labels) {
  const row = element("tr");
  row.setAttribute("role", "row");
  const cells = labels.map(([label, kind], i) => {
    const cell = element(i === 0 ? "th" : "td", kind);
    cell.setAttribute("role", i === 0 ? "rowheader" : "cell");
    if (i === 0) cell.scope = "row";
    cell.dataset.label = label;
    row.append(cell);
    return cell;
  });
  return { row, cells };
}

// newPartition makes the line of a partition, and what a click on its number shows.
function newPartition(id) {
  const known = newCells(columns);
  known.row.dataset.partition = id;
  const button = element("button", "more", id);
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", `Partition ${id}`);
  known.cells[0].append(button);
  known.details = element("tr", "details");
  known.details.setAttribute("role", "row");
  known.details.hidden = true;
  known.details.dataset.detailsOf = id;
  const cell = element("td");
  cell.setAttribute("role", "cell");
  cell.colSpan = columns.length;
  known.list = element("dl");
  const plots = element("div", "plots");
  cell.append(known.list, plots);
  known.details.append(cell);
  button.addEventListener("click", () => {
    known.details.hidden = !known.details.hidden;
    button.setAttribute("aria-expanded", String(!known.details.hidden));
    if (known.details.hidden) return;
    fillPartition(known, latest, latest.partitions.find((partition) => partition.id === id));
    known.draw ??= newHistory(plots);
    fetchHistory(known.draw, id);
  });
  return known;
}

// reasonOf returns why a partition is not read or delivered, unless the banner says so already.
const reasonOf = (status, { reason }) => (reason && !(status.summary.why || "").includes(reason) ? reason : "");
const conditionOf = (partition) => partition.condition || "elsewhere";

function noteOf(status, partition) {
  if (partition.reason) return reasonOf(status, partition);
  if (partition.state === "elsewhere") return `read by ${partition.owner}`;
  if (partition.state === "given up") return "given up by this replica";
  const { backlog } = partition;
  if (!backlog) return "";
  if (partition.condition !== "catching up") return `${rate(backlog.hub_events_per_second)} hub events a second are handled, and as many arrive, or more`;
  return backlog.catchup_seconds === null ? "time left not known yet" : `up to date in about ${duration(backlog.catchup_seconds)}`;
}

// ageOf returns how long the oldest hub event has waited.
function ageOf({ backlog, lag_events: waiting }) {
  if (backlog) return duration(backlog.oldest_age_seconds);
  return waiting > 0 ? "< 1 min" : "";
}

function fillPartition({ cells, details, list, row }, status, partition) {
  const condition = conditionOf(partition);
  const [mark, kind] = conditions[condition] || ["?", ""];
  row.className = kind;
  setText(cells[1], `${mark} ${condition}`.trim());
  setText(cells[2], number(partition.lag_events));
  setText(cells[3], ageOf(partition));
  setName(cells[4], noteOf(status, partition));
  if (details.hidden) return;
  const records = partition.records || {};
  const some = (n) => (n > 0 ? number(n) : "");
  const answer = answerText(status, partition.last_answer);
  setTerms(list, [
    ["Note", partition.reason || noteOf(status, partition)],
    ["Owner", partition.state === "elsewhere" ? "" : partition.owner],
    ["Position", partition.position === null ? "" : number(partition.position)],
    ["Age of the newest delivered", partition.age_seconds === null ? "" : duration(partition.age_seconds)],
    ["Delivered", number(records.delivered)], ["Skipped", some(records.skipped)],
    ["Dead letters", some(records.dead_lettered), "warn"], ["Dropped", some(records.dropped), "bad"],
    ["Sink's last answer", partition.last_answer ? answer.text : "", answer.kind],
  ]);
}

// showSummary counts the partitions by condition, the best first, and then those that other replicas own.
function showSummary(partitions) {
  const count = (condition) => partitions.filter((each) => conditionOf(each) === condition).length;
  const parts = [...order.filter((condition) => condition !== "elsewhere").toReversed(), "elsewhere"]
    .filter((condition) => count(condition) > 0).map((condition) => `${number(count(condition))} ${condition}`);
  setText(byId("partitions-summary"), parts.join(", "));
}

// put moves rows to their places, without touching those that are in place. The focus stays where it is.
function put(body, wanted) {
  const focused = document.activeElement;
  wanted.forEach((row, i) => { if (body.children[i] !== row) body.insertBefore(row, body.children[i] || null); });
  if (document.activeElement !== focused && body.contains(focused)) focused.focus();
}

function dropOthers(known, names, remove) {
  const present = new Set(names);
  for (const [name, each] of known) {
    if (!present.has(name)) { remove(each); known.delete(name); }
  }
}

// latenessOf is the backlog's age in quarters of an hour, so that lines do not change places all the time.
const latenessOf = ({ backlog }) => (backlog ? Math.floor(backlog.oldest_age_seconds / 900) : 0);

function showPartitions(status) {
  latest = status;
  dropOthers(rows, status.partitions.map((partition) => partition.id), (each) => { each.row.remove(); each.details.remove(); });
  const sorted = status.partitions.toSorted((a, b) => order.indexOf(conditionOf(a)) - order.indexOf(conditionOf(b)) || latenessOf(b) - latenessOf(a));
  for (const partition of sorted) {
    if (!rows.has(partition.id)) rows.set(partition.id, newPartition(partition.id));
    fillPartition(rows.get(partition.id), status, partition);
  }
  put(byId("partitions"), sorted.flatMap(({ id }) => [rows.get(id).row, rows.get(id).details]));
  showSummary(status.partitions);
  byId("partitions-table").hidden = sorted.length === 0;
  byId("no-partitions").hidden = sorted.length > 0;
}

function showClusters(status) {
  const clusters = status.clusters || [];
  dropOthers(clusterRows, clusters.map((cluster) => cluster.name), (each) => each.row.remove());
  for (const cluster of clusters) {
    if (!clusterRows.has(cluster.name)) clusterRows.set(cluster.name, newCells(clusterColumns));
    const { row, cells } = clusterRows.get(cluster.name);
    row.dataset.cluster = cluster.name;
    setName(cells[0], cluster.name);
    setText(cells[1], number(cluster.records));
    const newest = cluster.newest ? ago(status, cluster.newest) : "–";
    cells[2].className = cluster.silent ? "warn" : "";
    setText(cells[2], cluster.silent ? `! silent, ${newest}` : newest);
  }
  put(byId("clusters"), clusters.map((cluster) => clusterRows.get(cluster.name).row));
  byId("clusters-table").hidden = byId("clusters-legend").hidden = clusters.length === 0;
  byId("no-clusters").hidden = clusters.length > 0;
}

function newLogEntry(entry) {
  const item = element("li");
  item.append(element("span", entry.level === "warn" ? "warn" : "bad", entry.level), ` ${entry.message} `, element("span", "quiet"));
  if (entry.cause) {
    const cause = element("span", "cause quiet");
    setName(cause, entry.cause);
    item.append(cause);
  }
  return item;
}

const logRows = new Map(); // what an entry says -> its item

function showRecentLog(status) {
  const entries = status.troubles || [];
  const keyOf = (entry) => JSON.stringify([entry.level, entry.message, entry.cause]);
  for (const entry of entries) {
    if (!logRows.has(keyOf(entry))) logRows.set(keyOf(entry), { row: newLogEntry(entry) });
    const times = entry.count > 1 ? `, ${number(entry.count)} times in ${duration(Math.max(1,
      Math.round((Date.parse(entry.at) - Date.parse(entry.first)) / 1000)))}` : "";
    const where = !entry.partitions ? "" : entry.partitions.length > 8 ? `, ${entry.partitions.length} partitions`
      : `, partition ${entry.partitions.join(", ")}`;
    setText(logRows.get(keyOf(entry)).row.querySelector(".quiet"), `${ago(status, entry.at)}${where}${times}`);
  }
  dropOthers(logRows, entries.map(keyOf), (each) => each.row.remove());
  put(byId("recent-log"), entries.map((entry) => logRows.get(keyOf(entry)).row));
  byId("no-recent-log").hidden = entries.length > 0;
}
