// How texts, numbers and times are written. All text is set as text, so it never becomes markup.
const byId = (id) => document.getElementById(id);
const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// setName sets a long name, such as a host's. It may be broken after a sign between two letters, and nowhere else. The
// breaks are not part of the text, so a copy of the name is the name.
function setName(node, name) {
  if (node.textContent === name) return;
  node.replaceChildren();
  name.split(/(?<=\p{L}[./:_@])(?=\p{L})/u).forEach((part, i) => {
    if (i > 0) node.append(element("wbr"));
    node.append(part);
  });
}

// number formats 1234567 as 1,234,567, and null as a dash.
const number = (n, digits = 0) => (n === null || n === undefined ? "–"
  : n.toLocaleString("en", { maximumFractionDigits: digits }));
const rate = (n) => number(n, n < 10 ? 1 : 0);
const compact = (n) => n.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });

// duration formats seconds in their two largest units, of which the second is left out if it is 0.
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds > 0 && seconds < 0.9995) return number(seconds * 1000, seconds < 0.01 ? 1 : 0) + " ms";
  if (seconds < 59.5) return number(seconds, seconds < 10 ? 1 : 0) + " s";
  const whole = Math.round(seconds);
  const [d, h, m, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const [large, small] = d > 0 ? [`${number(d)} d`, `${h} h`] : h > 0 ? [`${h} h`, `${m} min`] : [`${m} min`, `${s} s`];
  return small.startsWith("0 ") ? large : `${large} ${small}`;
}

// clock formats a time in seconds since 1970 as 23:59, in the browser's time zone and in no other language.
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

// since returns the seconds from then to the daemon's now. The browser's clock may differ from the daemon's.
const since = (status, then) => Math.max(0, (Date.parse(status.time) - Date.parse(then)) / 1000);
const ago = (status, then) => { const s = Math.floor(since(status, then)); return s === 0 ? "now" : `${duration(s)} ago`; };

// answerText describes the result of a POST. It begins with a mark, so that colour is not the only sign.
function answerText(status, answer) {
  if (!answer) return { text: "none yet", kind: "" };
  const took = `in ${duration(answer.seconds)}, ${ago(status, answer.at)}`;
  if (!answer.failure) return { text: `✓ ${answer.status} ${took}`, kind: "good" };
  return { text: `✗ ${answer.failure}, ${took}`, kind: "bad" };
}

// sentence makes a sentence of a text.
const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1).replace(/\.?$/, ".") : "");

// setTerms shows the pairs of a term and its text that have a text. Each is [term, text, kind, name].
function setTerms(list, pairs) {
  const known = new Map([...list.children].map((box) => [box.dataset.term, box]));
  pairs.forEach(([term, text, kind]) => {
    let box = known.get(term);
    if (!box) {
      box = element("div");
      box.dataset.term = term;
      const value = element("dd");
      value.dataset.label = term;
      box.append(element("dt", "", term), value);
      list.append(box);
    }
    box.hidden = text === null || text === "";
    box.lastChild.className = kind || "";
    setName(box.lastChild, text || "");
  });
}
