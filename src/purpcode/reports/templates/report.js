"use strict";
(() => {
  const PAGE = 25;
  const WORDS = { p: "passed", f: "failed", u: "unmeasured", "-": "no record", " ": "not evaluated" };
  // What became of a sample between two models, by its states under them.
  const KINDS = {
    flips: (a, b) => "pf".includes(a) && "pf".includes(b) && a !== b,
    fixed: (a, b) => a === "f" && b === "p",
    regressed: (a, b) => a === "p" && b === "f",
    "newly unmeasured": (a, b) => "pf".includes(a) && b === "u",
    "newly measured": (a, b) => a === "u" && "pf".includes(b),
    "only in the first": (a, b) => "pfu".includes(a) && b === "-",
    "only in the second": (a, b) => a === "-" && "pfu".includes(b),
    "failed twice": (a, b) => a === "f" && b === "f",
    failed: (a, b) => b === "f",
    unmeasured: (a, b) => "u-".includes(a) || "u-".includes(b),
    all: () => true,
  };
  const SINGLE = ["failed", "unmeasured", "all"];
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const index = read("samples-index");
  const chunks = new Map();
  const form = document.getElementById("filters");
  const list = document.getElementById("list");
  const field = (name) => form.elements.namedItem(name);
  let shown = [];
  let page = 0;

  // Text from a model only ever becomes a text node; nothing here parses HTML.
  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function detail(place) {
    const chunk = Math.floor(place / index.chunk);
    if (!chunks.has(chunk)) chunks.set(chunk, read("samples-" + chunk));
    return chunks.get(chunk)[place % index.chunk];
  }

  function option(select, value, text) {
    const node = make("option", "", text);
    node.value = value;
    select.append(node);
  }

  function fillFilters() {
    option(field("row"), "", "all");
    index.rows.forEach((row, place) => option(field("row"), String(place), row));
    const last = index.models.length - 1;
    for (let to = last; to > 0; to--) {
      for (let from = 0; from < to; from++) {
        option(field("pair"), from + "," + to, index.models[from] + " → " + index.models[to]);
      }
    }
    field("pair").closest("label").hidden = last < 2;
    for (const kind of last < 1 ? SINGLE : Object.keys(KINDS)) {
      option(field("kind"), kind, kind === "flips" ? "fixed or regressed" : kind);
    }
    index.dimensions.forEach(([name, values], place) => {
      if (values.length < 2) return;
      const label = make("label", "", name + " ");
      const select = make("select");
      select.name = "dimension" + place;
      option(select, "", "all");
      const order = values.map((value, at) => [value, at]);
      order.sort((one, other) => one[0].localeCompare(other[0], "en", { numeric: true }));
      for (const [value, at] of order) option(select, String(at), value);
      label.append(select);
      field("text").closest("label").before(label);
    });
  }

  function chosenGroups() {
    const chosen = [];
    index.dimensions.forEach((_, place) => {
      const select = field("dimension" + place);
      if (select && select.value !== "") chosen.push([place, Number(select.value)]);
    });
    return chosen;
  }

  function filter() {
    const row = field("row").value;
    const text = field("text").value.trim().toLowerCase();
    const [from, to] = (field("pair").value || "0,0").split(",").map(Number);
    const isShown = KINDS[field("kind").value];
    const chosen = chosenGroups();
    shown = [];
    index.samples.forEach(([id, place, states, excerpt, groups], at) => {
      if (row !== "" && place !== Number(row)) return;
      if (text && !(id + " " + excerpt).toLowerCase().includes(text)) return;
      if (!chosen.every(([dimension, value]) => (groups[dimension] || []).includes(value))) return;
      if (isShown(states[from], states[to])) shown.push(at);
    });
    page = 0;
    draw();
  }

  function draw() {
    const start = page * PAGE;
    const end = Math.min(start + PAGE, shown.length);
    const total = index.samples.length.toLocaleString("en");
    const matching = shown.length.toLocaleString("en");
    document.getElementById("count").textContent = shown.length
      ? `${start + 1}–${end} of ${matching} matching, ${total} in all`
      : `None of the ${total} samples match.`;
    list.replaceChildren(...shown.slice(start, end).map(card));
    document.getElementById("pager").hidden = shown.length <= PAGE;
    document.getElementById("previous").disabled = page === 0;
    document.getElementById("next").disabled = end >= shown.length;
  }

  // The new page is read from its start; the button may be disabled now and cannot keep the focus.
  function turn(by) {
    page += by;
    draw();
    list.querySelector("summary").focus();
  }

  function card(at) {
    const [id, place, states, excerpt] = index.samples[at];
    const sample = make("details", "sample");
    const summary = make("summary");
    const name = make("div", "excerpt", excerpt || id);
    name.append(make("span", "sub", id + " · " + index.rows[place]));
    const pills = make("div", "states");
    index.models.forEach((model, column) => {
      const state = states[column];
      if (state === " ") return;
      pills.append(make("span", "state " + (state === "-" ? "u" : state), `${model}: ${WORDS[state]}`));
    });
    summary.append(name, pills);
    sample.append(summary);
    sample.addEventListener("toggle", () => {
      if (sample.open && sample.childElementCount === 1) sample.append(body(detail(at), states));
    });
    return sample;
  }

  function body(data, states) {
    const node = make("div", "body");
    if (data.lineage.length) node.append(make("p", "sub", data.lineage.join(" · ")));
    const prompt = make("div", "prompt");
    for (const message of data.prompt) {
      prompt.append(make("span", "sub", message.role), make("div", "text", message.text));
      prompt.append(...cutNote(message.cut));
    }
    const columns = make("div", "columns");
    data.answers.forEach((answer, column) => {
      if (states[column] !== " ") columns.append(answerColumn(index.models[column], answer));
    });
    node.append(prompt, columns);
    return node;
  }

  function cutNote(cut) {
    return cut ? [make("p", "sub warning", `${cut.toLocaleString("en")} more characters are in the run folder.`)] : [];
  }

  function answerColumn(model, answer) {
    const column = make("div");
    column.append(make("h3", "", model));
    if (!answer) {
      column.append(make("p", "verdict u", "There is no record of this sample."));
      return column;
    }
    const verdicts = make("div", "verdicts");
    for (const verdict of answer.verdicts) {
      const line = make("p", "verdict " + verdict.state);
      line.append(make("b", "", `${verdict.oracle} ${WORDS[verdict.state]}`), ": " + verdict.reason);
      verdicts.append(line);
    }
    column.append(verdicts);
    if (answer.thoughts) {
      const thoughts = make("details", "thoughts");
      thoughts.append(make("summary", "", "Analysis"), make("div", "text", answer.thoughts));
      column.append(thoughts);
    }
    for (const part of answer.parts) {
      column.append("code" in part ? codeBlock(part) : make("div", "text", part.text));
    }
    if (!answer.parts.length) column.append(make("p", "sub warning", "It gave no answer."));
    if (answer.stop === "length") column.append(make("p", "sub warning", "The answer was cut off at its length limit."));
    const elsewhere = make("div", "elsewhere");
    for (const finding of answer.elsewhere) elsewhere.append(findingNote(finding, `line ${finding.line} of the code as judged · `));
    column.append(elsewhere, ...cutNote(answer.cut));
    return column;
  }

  function findingNote(finding, where) {
    const note = make("div", "finding", where + finding.head);
    note.append(make("span", "", finding.text));
    return note;
  }

  function codeBlock(part) {
    const block = make("div", "code");
    part.code.split("\n").forEach((source, at) => {
      const number = at + 1;
      const hit = part.findings.some((finding) => finding.line <= number && number <= finding.end);
      const row = make("div", hit ? "row hit" : "row", source || " ");
      row.dataset.line = String(number);
      block.append(row);
      for (const finding of part.findings) if (finding.line === number) block.append(findingNote(finding, ""));
    });
    return block;
  }

  fillFilters();
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  document.getElementById("previous").addEventListener("click", () => turn(-1));
  document.getElementById("next").addEventListener("click", () => turn(1));
  filter();
  if (!shown.length) {
    field("kind").value = "all";
    filter();
  }
  if (list.firstChild) list.firstChild.open = true;
})();
