// The questions of an operator, in their order: does it work, is it up to date, if not why and until when, what to do.
const marks = { good: "✓", waiting: "…", warn: "!", bad: "✗" };

function worksText(status) {
  const { summary } = status;
  const here = status.partitions.filter((partition) => partition.state === "here").length;
  if (summary.condition === "starting") return "It starts.";
  if (!summary.works) return sentence(`no: ${summary.why}`);
  if (summary.condition === "standing by") return sentence(`yes: it stands by, ${summary.why}`);
  if (summary.condition === "stopping") return "It stops.";
  return `Yes: it reads ${number(here)} of ${number(status.partitions.length)} partitions, and delivers.`;
}

function upToDateText(status) {
  const { backlog, summary } = status;
  if (backlog) {
    const waiting = backlog.hub_events === 1 ? "1 hub event waits" : `${number(backlog.hub_events)} hub events wait`;
    return `No: ${waiting}, the oldest for ${duration(backlog.oldest_age_seconds)}.`;
  }
  if (["standing by", "starting", "stopping"].includes(summary.condition)) return "";
  return summary.works ? "Yes: no hub event waits for more than a minute." : "";
}

function whyText(status) {
  const { backlog, summary } = status;
  if (!summary.works || !summary.why || summary.condition === "standing by") return "";
  const rates = backlog ? `. In the last minute ${rate(backlog.hub_events_per_second)} hub events a second were handled`
    + `, and ${rate(backlog.audit_events_per_second)} audit events a second delivered` : "";
  return sentence(summary.why + rates);
}

function untilText(status) {
  const { backlog, summary } = status;
  if (!backlog) return "";
  if (!summary.works) return "Not before it works again.";
  if (summary.condition !== "catching up") return "Never at this rate.";
  const times = [backlog, ...status.partitions.map((partition) => partition.backlog)].filter(Boolean)
    .map((each) => each.catchup_seconds);
  return times.includes(null) ? "It is not known yet." : `In about ${duration(Math.max(...times))}.`;
}

// showToDo says what to do, and where the runbook says more. Without RUNBOOKURL there is no address to link to.
function showToDo({ summary }) {
  const box = [...byId("answers").children].find((each) => each.dataset.term === "What to do?");
  let place = box.querySelector(".runbook");
  if (!place) {
    place = element("dd", "runbook");
    box.append(place);
  }
  place.hidden = !summary.runbook;
  const text = `Runbook: ${summary.section}`;
  if (!summary.runbook || place.dataset.shown === summary.runbook) return;
  place.dataset.shown = summary.runbook;
  if (!/^https?:/.test(summary.runbook)) {
    place.replaceChildren(`${text}, in ${summary.runbook.split("#")[0]}`);
    return;
  }
  const link = element("a", "", text);
  link.href = summary.runbook;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  place.replaceChildren(link);
}

function showBanner(status) {
  const { summary } = status;
  byId("banner").className = summary.level;
  setText(byId("mark"), marks[summary.level] || "?");
  setText(byId("state"), sentence(summary.condition).replace(/\.$/, ""));
  const answers = byId("answers");
  const todo = "What to do?";
  setTerms(answers, [
    ["Does it work?", worksText(status)], ["Is it up to date?", upToDateText(status)],
    ["Why not?", whyText(status)], ["When will it be?", untilText(status)],
  ]);
  let box = [...answers.children].find((each) => each.dataset.term === todo);
  if (!box) {
    box = element("div");
    box.dataset.term = todo;
    box.append(element("dt", "", todo), element("dd"));
    answers.append(box);
  }
  setName(box.children[1], summary.to_do);
  showToDo(status);
}

// showNotices says what is worth knowing whatever the condition is.
function showNotices(status) {
  const notice = (id, text) => { byId(id).hidden = !text; setName(byId(id), text || ""); };
  notice("balancing", status.balancing_failure
    && `The last balancing round failed, so the owners are those of the round before: ${status.balancing_failure}`);
  notice("intermediary", status.sink_intermediary
    && `The connection to the sink ends at ${status.sink_intermediary}, not at Falco: a restart of Falco can lose up to 50 requests. The log says how to avoid that.`);
  notice("proxy", status.sink_proxy && sentence(status.sink_proxy));
}

// showFigures shows the counts of all partitions. A count that is 0 has nothing to tell.
function showFigures(status) {
  const { records } = status;
  const some = (n) => (n > 0 ? number(n) : "");
  const answer = answerText(status, status.last_answer);
  setTerms(byId("figures"), [
    ["Audit events delivered", number(records.delivered)],
    ["Records skipped", some(records.skipped)],
    ["Dead letters", some(records.dead_lettered), "warn"],
    ["Dropped", some(records.dropped), "bad"],
    ["Sink's last answer", answer.kind === "bad" ? "" : answer.text, answer.kind],
  ]);
  setText(byId("uptime"), duration(Math.floor(since(status, status.started))));
}
