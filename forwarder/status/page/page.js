// Fetches status.json every two seconds, and the history every 30 seconds, and shows them.
const interval = 2000; // ms between two requests
const timeout = 5000; // ms until a request counts as unanswered
const historyInterval = 30000; // ms between two requests of the history
let answered = null; // when the last answer came
let shown = null; // when the answer came that is shown
const timeOfDay = (at) => new Date(at).toLocaleTimeString("en-GB");

// isSelecting is whether text is selected. A change of the page would end that.
const isSelecting = () => { const selection = getSelection(); return selection !== null && selection.type === "Range" && selection.toString() !== ""; };

function showHead(status) {
  setText(byId("version"), status.version);
  setName(byId("setup"), [`${status.hub_host} / ${status.hub} / ${status.consumer_group} → ${status.sink}`, status.replica]
    .filter(Boolean).join(", replica "));
  byId("updated").dateTime = status.time;
  setText(byId("updated"), timeOfDay(answered));
}

function show(status) {
  answered = Date.now();
  byId("offline").hidden = true;
  document.title = `${marks[status.summary.level] || "?"} ${status.summary.condition} – aks-audit-log-go`;
  byId("paused").hidden = !isSelecting();
  if (isSelecting()) {
    setText(byId("paused"), `Paused while text is selected. The values shown are of ${timeOfDay(shown ?? answered)}.`);
    return;
  }
  shown = answered;
  showHead(status);
  showBanner(status);
  showNotices(status);
  showFigures(status);
  showPartitions(status);
  showClusters(status);
  showRecentLog(status);
}

// showOffline says that the page is out of date. Its text changes only with the state, so that a screen reader does not
// repeat it every two seconds.
function showOffline() {
  byId("offline").hidden = false;
  setText(byId("offline"), answered === null ? "The daemon does not answer."
    : `The daemon does not answer. The values shown are of ${timeOfDay(shown ?? answered)}.`);
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

const drawAll = newHistory(byId("history"));

async function updateHistory() {
  if (!document.hidden && !isSelecting()) {
    await fetchHistory(drawAll);
    for (const [id, { details, draw }] of rows) if (draw && !details.hidden) await fetchHistory(draw, id);
  }
  setTimeout(updateHistory, historyInterval);
}

addHead("columns", columns);
addHead("cluster-columns", clusterColumns);
addSpans();
update();
updateHistory();
