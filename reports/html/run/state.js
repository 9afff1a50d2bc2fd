import { unescape1 } from "./paint.js";
import { element } from "shell/shell.js";
import { visible, duration, count } from "shell/text.js";

// The step and the state after it, as text. Every part of the state is in an element with its
// path in data-part and its value as text; what has changed since the previous step is marked.

// showEvent shows the event of a step.
export function showEvent(into, model, seq, before) {
  const changed = model.changed(before, seq);
  const where = model.laneName(seq), inc = model.incarnation(seq);
  into.replaceChildren(
    element("p", { class: "soft" }, `Event ${count(seq)} of ${count(model.count)}`,
      model.steps ? null : element("span", { class: "time" }, ` · ${(model.at[seq] / 1e9).toFixed(9)} s`), where ? ` · ${where}${inc > 1 ? ` #${inc}` : ""}` : ""),
    element("p", { class: "words" }, model.words(seq)),
    element("details", { class: "fields" }, element("summary", {}, model.kind(seq)),
      element("dl", {}, ...model.fields(seq).flatMap(([key, value]) => [element("dt", {}, key), element("dd", { class: "mono" }, value)]))),
    changed.size ? element("ul", { class: "changes", "aria-label": "What it changed" }, ...[...changed].slice(0, 12).map(([part, was]) => change(model, seq, part, was)),
      changed.size > 12 ? element("li", { class: "soft" }, `and ${changed.size - 12} more`) : null) : element("p", { class: "soft" }, "Nothing of the state changed."));
}

function change(model, seq, part, was) {
  const now = model.valueOf(part, seq);
  return element("li", {}, element("span", { class: "part" }, nice(part)), " ", was ? element("del", {}, was) : null, was ? " " : null, now ? element("ins", {}, now) : element("em", {}, "gone"));
}

const nice = (part) => part.split("/").map(unescape1).join(" ");

// showState shows the state after a step.
export function showState(into, model, seq, before) {
  const state = model.state(seq), changed = model.changed(before, seq);
  const at = new Tree(state, changed);
  const open = new Set([...into.querySelectorAll("details[open]")].map((d) => d.dataset.key));
  const shut = new Set([...into.querySelectorAll("details:not([open])")].map((d) => d.dataset.key));
  const sections = [tasks(at, model), model.lanes.length ? nodes(at, model) : null, schema(at), machine(at), properties(at)].filter(Boolean);
  into.replaceChildren(...sections);
  for (const d of into.querySelectorAll("details")) {
    if (open.has(d.dataset.key)) d.open = true;
    else if (shut.has(d.dataset.key)) d.open = false;
  }
}

// Tree is the state by its paths.
class Tree {
  constructor(state, changed) {
    this.state = state;
    this.changed = changed;
    this.gone = [...changed.keys()].filter((part) => !state.has(part));
  }

  // below returns the paths that begin with a prefix.
  below(prefix) { return [...this.state.keys()].filter((part) => part.startsWith(prefix)); }

  // value returns the element of a part.
  value(part, extra = "") {
    if (!this.state.has(part)) return element("span", { class: "soft" }, "–");
    const was = this.changed.get(part);
    return element("span", { class: `value ${this.changed.has(part) ? "changed" : ""} ${extra}`, "data-part": part, title: was !== undefined ? `was: ${visible(was) || "nothing"}` : null }, this.state.get(part));
  }
}

function section(key, title, open, ...children) {
  return element("details", { "data-key": key, class: "part-of", open }, element("summary", {}, element("h3", {}, title)), ...children);
}

const last = (part) => unescape1(part.slice(part.lastIndexOf("/") + 1));

function tasks(at, model) {
  const parts = at.below("task/").filter((p) => p.split("/").length === 3);
  if (!parts.length) return at.state.has("log") ? section("tasks", "Tasks", true, element("p", { class: "soft" }, "None. Log: ", at.value("log"))) : null;
  return section("tasks", "Tasks, by the log", true, element("p", { class: "soft log" }, "log up to ", at.value("log")), ...parts.map((part) => {
    const units = at.below(`${part}/unit/`), names = part.split("/").map(unescape1);
    const acks = (kind, title) => {
      const all = at.below(`${part}/${kind}/`);
      // Acks are due in their phases only.
      const due = / (PREPARING|SWAPPING)$/.test(at.state.get(part));
      if (!all.length && (kind === "swapped" || !due)) return null;
      const absent = !due ? [] : model.lanes.map((l) => l.name).filter((name) => !all.some((p) => last(p) === name) && units.some((u) => at.state.get(u).includes(`by ${name}`)));
      return element("p", { class: "acks" }, element("span", { class: "soft" }, title), ...all.map((p) => element("span", { class: "chip" }, last(p), " ", at.value(p))),
        ...absent.map((name) => element("span", { class: "chip absent" }, `${name} –`)));
    };
    return element("div", { class: "task" },
      element("p", { class: "head" }, element("strong", {}, `${names[1]}/${names[2]}`), " ", at.value(part, "status")),
      element("ul", { class: "plain" }, ...units.map((u) => element("li", {}, element("span", { class: "part" }, last(u)), " ", at.value(u)))),
      acks("prepared", "prepared "), acks("swapped", "swapped "));
  }));
}

function nodes(at, model) {
  return section("nodes", "Nodes", true, ...model.lanes.map((l) => {
    const part = `node/${l.name.replaceAll("%", "%25").replaceAll("/", "%2F")}`, below = at.below(`${part}/`);
    const simple = new Set(["clock", "raft", "leader", "applied"].map((name) => `${part}/${name}`));
    const rows = below.filter((p) => !simple.has(p)).map((p) => {
      const [, , kind, ...names] = p.split("/");
      return element("li", {}, element("span", { class: "part" }, `${kind} `, element("span", {}, names.map(unescape1).join("/"))), " ", at.value(p));
    });
    const one = (name, words) => (at.state.has(`${part}/${name}`) ? [`${words}`, at.value(`${part}/${name}`)] : []);
    return element("div", { class: "node" },
      element("p", { class: "head" }, element("strong", {}, l.name), " ", at.value(part), ...one("raft", ", "), ...one("leader", ", leader "), ...one("applied", ", applied "), ...one("clock", ", clock ")),
      element("ul", { class: "plain" }, ...rows));
  }));
}

function schema(at) {
  const parts = at.below("schema/");
  if (!parts.length) return null;
  return section("schema", "Schema, by the log", false, element("ul", { class: "plain" }, ...parts.map((p) =>
    element("li", {}, element("span", { class: "part" }, p.split("/").slice(1).map(unescape1).join(" ")), " ", at.value(p)))));
}

function machine(at) {
  const parts = at.below("model/");
  if (!parts.length) return null;
  return section("model", "The model", true, element("ul", { class: "plain" }, ...parts.map((p) =>
    element("li", {}, element("span", { class: "part" }, unescape1(p.slice(6))), " ", at.value(p)))));
}

function properties(at) {
  const parts = at.below("property/").sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  if (!parts.length) return null;
  return section("properties", "Properties up to here", true, element("ul", { class: "grid" }, ...parts.map((p) => {
    const violated = at.state.get(p).includes("violated");
    return element("li", { class: violated ? "violated" : "" }, element("strong", {}, `${violated ? "✗ " : ""}${p.slice(9)}`), " ", at.value(p));
  })));
}

// sayStep describes a step in a sentence, for screen readers.
export function sayStep(model, seq) {
  const time = model.steps ? "" : `${duration(model.at[seq])}, `, where = model.laneName(seq);
  return `Event ${seq}, ${time}${where ? where + ": " : ""}${model.words(seq)}`;
}
