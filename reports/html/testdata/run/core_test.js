import { Model, lastUpTo } from "./model.js";
import { pick, near } from "./pick.js";
import { Axis } from "./axis.js";
import { Spans } from "./spans.js";
import { View } from "./view.js";

// Tests of what knows nothing of a page. What is wrong ends in window.wrong.

const wrong = (window.wrong = []);
let tests = 0;

function same(got, want, what) {
  tests++;
  const a = JSON.stringify(got), b = JSON.stringify(want);
  if (a !== b) wrong.push(`${what}: ${a}, not ${b}`);
}

// run makes a model of events given as [at, node, group, task], of one violation at an
// event, and changes given as [seq, part, value].
function run(events, { violation = 0, changes = [] } = {}) {
  const texts = ["", "kind", "even words", "odd words"], text = (s) => (texts.includes(s) || texts.push(s), texts.indexOf(s));
  let before = 0;
  const columns = (...names) => Object.fromEntries(names.map((n) => [n, []]));
  return new Model({
    texts, steps: false, quiescence: 0, faults: [], tasks: ["", "ns/a", "ns/b"],
    lanes: ["n1", "n2"].map((name) => ({ name, incarnations: [], pauses: [], roles: [] })),
    groups: [{ name: "log", shown: true, decisive: true }, { name: "messages", shown: true, decisive: false }, { name: "heartbeats", shown: false, decisive: false }],
    events: {
      at: events.map(([at]) => { const d = at - before; before = at; return d; }), node: events.map((e) => e[1]), group: events.map((e) => e[2]), task: events.map((e) => e[3] ?? 0),
      inc: events.map(() => 1), kind: events.map(() => 1), words: events.map((_, i) => (i % 2 ? 2 : 3)), shape: events.map((_, i) => i % 2),
      shapes: [[text("key"), 0], [text("key"), 0, text("name"), 1]], values: events.flatMap((_, i) => (i % 2 ? [i, text("value")] : [i])),
    },
    messages: columns("sent", "from", "to", "kind", "arrives", "seen", "lost", "lostAt", "disturbed", "again"),
    calls: columns("called", "do", "outcome"), bars: columns("from", "kind", "name", "outcome"), commits: columns("seq", "words"),
    changes: { seq: changes.map((c) => c[0]), part: changes.map((c) => text(c[1])), value: changes.map((c) => text(c[2])) },
    violations: violation ? [{ property: "P5", message: "", at: 0, node: "", events: [violation], explain: [1], absent: [] }] : [],
  });
}

same([-1, 0, 1, 2].map((x) => lastUpTo([0, 0, 2, 5], x)), [-1, 1, 1, 2], "the last of equals");
same(lastUpTo([], 3), -1, "of nothing");

const changes = [[1, "a", "1"], [2, "b", "x"], [3, "a", "2"], [3, "a", "3"], [4, "b", ""], [5, "a", "3"]];
const small = run([[0, 1, 0], [10, 2, 0], [10, 1, 0], [30, 1, 0], [40, 2, 0]], { changes });
same(small.fields(1), [["key", "0"]], "fields of a shape");
same(small.fields(2), [["key", "1"], ["name", "value"]], "fields of another one, behind it");
same([...small.state(0)], [], "before all");
same([...small.state(2)], [["a", "1"], ["b", "x"]], "in between");
same([...small.state(3)], [["a", "3"], ["b", "x"]], "the last of two changes in one event");
same([...small.state(5)], [["a", "3"]], "what is gone is not there");
same([...small.changed(2, 3)], [["a", "1"]], "what an event has changed, and what it was");
same([...small.changed(3, 4)], [["b", "x"]], "gone");
same([...small.changed(4, 5)], [], "set to what it was");
same([...small.changed(0, 5)], [["a", ""]], "come and gone is no change");
same([small.upTo(-1), small.upTo(10), small.upTo(29), small.upTo(99)], [0, 3, 3, 5], "the last event of a time");

const every = { detail: "all", groups: [true, true, true], hidden: new Set(), task: 0, find: "", unfolded: [] };
const mixed = run([[0, 1, 0, 1], [1, 2, 1], [2, 1, 2], [3, 2, 0, 2], [4, 1, 1], [5, 2, 0, 1]]);
const list = (p) => [...p.shown];
same(list(pick(mixed, every)), [1, 2, 3, 4, 5, 6], "all");
same(list(pick(mixed, { ...every, groups: [true, true, false] })), [1, 2, 4, 5, 6], "without a kind");
same(list(pick(mixed, { ...every, hidden: new Set([2]) })), [1, 3, 5], "without a node");
same(list(pick(mixed, { ...every, task: 1 })), [1, 6], "of a task");
same(list(pick(mixed, { ...every, find: "EVEN" })), [2, 4, 6], "of a word");
const decisive = pick(mixed, { ...every, detail: "decisive" });
same([list(decisive), [...decisive.folded], decisive.rest], [[1, 4, 6], [0, 2, 1], 0], "what decides, and how much is folded between");
same(list(pick(mixed, { ...every, detail: "decisive", unfolded: [[2, 2]] })), [1, 2, 4, 6], "unfolded");

const long = run(Array.from({ length: 200 }, (_, i) => [i, 1, i % 4 === 3 ? 2 : 1]), { violation: 100 });
const nearby = pick(long, { ...every, groups: [true, true, false], detail: "near" }, near(long));
same([nearby.shown[0], nearby.shown[1], nearby.shown.at(-1)], [1, 82, 118], "near a violation: what explains it, and so many of its neighbours that are shown");
same(nearby.rest > 0, true, "the end is folded");

const axis = new Axis(long, nearby, "even");
let rising = true;
for (let seq = 1; seq <= long.count + 1; seq++) rising &&= axis.at[seq] >= axis.at[seq - 1];
same(rising, true, "places rise");
same(axis.folds.length, 2, "two folds");
same(axis.folds[0].from, 2, "the first begins behind the first event");
same(axis.placeAt(axis.at[100]), 100, "a place is found again");
const linear = new Axis(small, pick(small, every), "time");
same([linear.at[1], linear.at[3], linear.time(20)].map((x) => Math.round(x * 1e6)), [0, 10, 20], "true time");
same(linear.time(1e12) === linear.width, true, "a time behind the end is at the end");

// Spans against looking at all of them.
let seed = 7;
const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
for (let round = 0; round < 50; round++) {
  const froms = [], untils = [];
  for (let i = 0; i < 60; i++) { froms.push(random(1000)); untils.push(froms[i] + random(round % 2 ? 30 : 600)); }
  const spans = new Spans(froms, untils), start = random(1000), end = start + random(200), got = [];
  spans.within(start, end, (i) => got.push(i));
  const want = froms.map((_, i) => i).filter((i) => froms[i] <= end && untils[i] >= start);
  same(got.sort((a, b) => a - b), want, `spans within ${start} to ${end}`);
}

const view = new View();
view.resize(100);
view.all();
same([view.start, view.end], [0, 100], "all");
view.zoom(0.5, 0);
same([view.start, view.end], [0, 50], "zoomed at the left");
view.pan(80);
same([view.start, view.end], [50, 100], "panned to the end and no further");
view.reveal(10);
same(view.start <= 10 && view.end - view.start === 50, true, "revealed");
view.zoom(1e-9, 20);
same(view.end - view.start, 3, "no closer than this");
view.zoom(1e9, 20);
same([view.start, view.end], [0, 100], "no further than all");

window.tests = tests;
