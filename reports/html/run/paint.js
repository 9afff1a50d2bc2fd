import { Spans } from "./spans.js";
import { lastUpTo } from "./model.js";
import { visible, duration, count } from "shell/text.js";

// The diagram. Only what is in view is painted, and of many things on one pixel only one.

const dense = 2500; // arrows in view above which they are thinned out

// Scene is a run on its axis: what can be painted, indexed by position.
export class Scene {
  constructor(model, axis, picked, filter) {
    this.model = model;
    this.axis = axis;
    this.shown = picked.shown;
    this.filter = filter;
    const end = model.count, at = axis.at;
    const set = new Uint8Array(model.count + 2);
    for (const seq of picked.shown) set[seq] = 1;
    this.isShown = set;
    const until = (seq) => at[seq || end];

    const m = model.messages, hidden = new Uint8Array(model.lanes.length + 1);
    for (const lane of filter.hidden) hidden[lane] = 1;
    this.messages = new Int32Array(m.sent.length);
    this.arrive = new Float64Array(m.sent.length);
    const left = new Float64Array(m.sent.length);
    let some = 0;
    for (let i = 0; i < m.sent.length; i++) {
      const sent = m.sent[i];
      if ((!set[sent] && !(m.lostAt[i] && set[m.lostAt[i]])) || hidden[m.from[i]] || hidden[m.to[i]]) continue;
      this.messages[some] = i;
      left[some] = at[sent];
      this.arrive[some++] = Math.max(at[sent], axis.time(m.arrives[i], m.before[i]));
    }
    this.messageSpans = new Spans(left.subarray(0, some), this.arrive.subarray(0, some));

    const keep = (columns, from) => columns[from].map((_, i) => i).filter((i) => (!filter.task || !columns.task[i] || columns.task[i] === filter.task) && !filter.hidden.has(columns.lane[i]));
    const groups = new Map(model.groups.map((g, i) => [g.name, filter.groups[i]]));
    this.calls = groups.get("calls") ? keep(model.calls, "called") : [];
    this.callSpans = new Spans(this.calls.map((i) => at[model.calls.called[i]]), this.calls.map((i) => until(model.calls.returned[i])));
    const barGroup = { callback: "callbacks", work: "work", handle: "work", start: "work", stall: "faults" };
    this.bars = keep(model.bars, "from").filter((i) => groups.get(barGroup[model.bars.kind[i]]));
    this.barSpans = new Spans(this.bars.map((i) => at[model.bars.from[i]]), this.bars.map((i) => until(model.bars.until[i])));
    this.commits = groups.get("log") ? model.commits.seq.map((_, i) => i).filter((i) => set[model.commits.seq[i]]) : [];
    this.commitAt = this.commits.map((i) => at[model.commits.seq[i]]);
    this.shownAt = Float64Array.from(this.shown, (seq) => at[seq]);
    this.statuses = statuses(model, set, filter);
    this.statusAt = this.statuses.map((s) => at[s.seq]);
  }
}

// statuses returns the events that change the status of a task.
function statuses(model, set, filter) {
  const all = [];
  for (const part of model.parts) {
    const names = part.name.split("/");
    if (names[0] !== "task" || names.length !== 3) continue;
    const task = `${unescape1(names[1])}/${unescape1(names[2])}`;
    if (filter.task && model.tasks[filter.task] !== task) continue;
    let was = "";
    part.changes.forEach((change, i) => {
      const value = model.packed.texts[model.changeValue[change]], status = value.split(" ")[1] ?? "gone";
      if (status !== was && set[part.at[i]]) all.push({ seq: part.at[i], task, status });
      was = status;
    });
  }
  return all.sort((a, b) => a.seq - b.seq);
}

// unescape1 unescapes a name of a path.
export const unescape1 = (name) => name.replaceAll("%2F", "/").replaceAll("%25", "%");

// colours reads the colours of the page.
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["ground", "raised", "sunken", "line", "line-strong", "text", "soft", "good", "bad", "bad-ground", "warn", "warn-ground", "accent", "accent-ground", "mark", "mark-line",
    "c1", "c2", "c3", "c4", "c5", "c6"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

const sans = 'ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif';

// Painter paints a scene on a canvas.
export class Painter {
  // Size, in pixels of CSS, is required for a canvas that is not laid out.
  constructor(canvas, size) {
    this.canvas = canvas;
    this.size = size;
    this.g = canvas.getContext("2d");
  }

  // paint paints a view of a scene: [start, end] of its axis; current is the sequence
  // number of the step.
  paint(scene, rows, view, current) {
    const g = this.g, scale = this.size ? 2 : devicePixelRatio || 1;
    const [width, height] = this.size ?? [this.canvas.clientWidth, this.canvas.clientHeight];
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    Object.assign(this, { scene, rows, view, current, width, height, colour: colours(), model: scene.model });
    this.perUnit = (rows.right - rows.left) / (view.end - view.start);
    this.x = (w) => rows.left + (w - view.start) * this.perUnit;
    this.at = (seq) => this.x(scene.axis.at[seq]);
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    g.save();
    g.beginPath();
    g.rect(rows.left - 4, 0, width, height);
    g.clip();
    this.ground();
    this.faults();
    this.lives();
    this.folds();
    for (const role of this.roles) this.text(...role);
    this.violations();
    this.messages();
    this.calls();
    this.bars();
    this.marks();
    this.log();
    this.absent();
    this.cursor();
    g.restore();
    this.names();
  }

  text(words, x, y, { colour = "text", size = 11, weight = "", align = "left", halo = false, baseline = "middle" } = {}) {
    const g = this.g;
    g.font = `${weight} ${size}px ${sans}`;
    g.textAlign = align;
    g.textBaseline = baseline;
    const said = visible(words);
    if (halo) {
      g.lineWidth = 3;
      g.lineJoin = "round";
      g.strokeStyle = this.colour.raised;
      g.strokeText(said, x, y);
    }
    g.fillStyle = this.colour[colour];
    g.fillText(said, x, y);
    return g.measureText(said).width;
  }

  measure(words, size = 11, weight = "") {
    this.g.font = `${weight} ${size}px ${sans}`;
    return this.g.measureText(visible(words)).width;
  }

  line(x1, y1, x2, y2, colour, width = 1, dash = []) {
    const g = this.g;
    g.strokeStyle = this.colour[colour] ?? colour;
    g.lineWidth = width;
    g.setLineDash(dash);
    g.beginPath();
    g.moveTo(x1, y1);
    g.lineTo(x2, y2);
    g.stroke();
    g.setLineDash([]);
  }

  hatch(x, y, w, h, colour, alpha = 0.5) {
    const g = this.g;
    g.save();
    g.beginPath();
    g.rect(x, y, w, h);
    g.clip();
    g.globalAlpha = alpha;
    g.strokeStyle = this.colour[colour];
    g.lineWidth = 1;
    g.beginPath();
    const first = Math.max(x, this.rows.left) - h, last = Math.min(x + w, this.width);
    for (let at = first - (first % 7); at < last; at += 7) {
      g.moveTo(at, y + h);
      g.lineTo(at + h, y);
    }
    g.stroke();
    g.restore();
  }

  // box returns the pixels of a span of events, cut to the view.
  stretch(from, until) {
    const x1 = Math.max(this.at(from), this.rows.left - 20);
    const x2 = Math.min(until ? this.at(until) : this.x(this.scene.axis.width), this.rows.right + 20);
    return x2 < x1 ? null : [x1, x2];
  }

  ground() {
    const { g, rows, model } = this;
    for (let n = 1; n <= model.lanes.length; n++) {
      const lane = rows.lane(n);
      this.line(rows.left, lane.top, this.width, lane.top, "line");
    }
    // Times are shown where there is room.
    if (!model.steps) {
      let free = -Infinity, before = "";
      const shown = this.scene.shown, first = Math.max(0, lastUpTo(this.scene.shownAt, this.view.start));
      for (let i = first; i < shown.length; i++) {
        const x = this.at(shown[i]);
        if (x > rows.right) break;
        if (x < free || x < rows.left) continue;
        const words = clock(model.at[shown[i]], this.perUnit);
        if (words === before) continue;
        before = words;
        this.line(x, 15, x, rows.bottom, "line", 1, [1, 4]);
        free = x + this.text(words, x, 8, { colour: "soft", size: 10 }) + 40;
      }
    }
    g.globalAlpha = 1;
  }

  folds() {
    for (const fold of this.scene.axis.folds) {
      const x1 = this.x(fold.start), x2 = this.x(fold.end);
      if (x2 < this.rows.left || x1 > this.rows.right || x2 - x1 < 6) continue;
      const left = x1 + Math.min(5, (x2 - x1) / 6), right = x2 - Math.min(5, (x2 - x1) / 6);
      this.g.fillStyle = this.colour.sunken;
      this.g.fillRect(left, 16, right - left, this.rows.bottom - 16);
      for (const x of [left, right]) this.zigzag(x);
      if (right - left > 26) {
        const g = this.g;
        g.save();
        g.translate((left + right) / 2, this.rows.bottom - 8);
        g.rotate(-Math.PI / 2);
        const model = this.model, time = model.steps ? "" : `, ${duration(model.at[fold.until] - model.at[fold.from])}`;
        this.text(`${count(fold.count)} events folded${time}`, 0, 0, { colour: "soft", size: 10 });
        g.restore();
      }
    }
  }

  zigzag(x) {
    const g = this.g;
    g.strokeStyle = this.colour.line;
    g.lineWidth = 1;
    g.beginPath();
    for (let y = 16, side = 1; y < this.rows.bottom; y += 6, side = -side) g.lineTo(x + side * 2, y);
    g.stroke();
  }

  faults() {
    const { g, rows, model } = this;
    const free = new Map();
    for (const f of model.faults) {
      const s = this.stretch(f.from, f.until);
      if (!s || s[0] > rows.right) continue;
      const x2 = Math.max(s[1], s[0] + 3), lanes = f.nodes.length ? f.nodes : model.lanes.map((_, i) => i + 1);
      for (const n of lanes) {
        if (!n) continue;
        const lane = rows.lane(n);
        g.globalAlpha = 0.55;
        g.fillStyle = this.colour["warn-ground"];
        g.fillRect(s[0], lane.top + 1, x2 - s[0], lane.bottom - lane.top - 2);
        g.globalAlpha = 1;
      }
      const first = Math.min(...lanes.filter(Boolean), model.lanes.length || 1), words = `⚡ ${f.what}`;
      const x = Math.max(s[0], rows.left) + 3, y = first && model.lanes.length ? rows.lane(first).bottom - 8 : rows.log.bottom - 8;
      const wide = this.measure(words, 10);
      if (x > (free.get(first) ?? -Infinity)) {
        this.text(words, x, y, { colour: "warn", size: 10, weight: "600", halo: true });
        free.set(first, x + wide + 4);
      }
      for (const seq of f.activations) {
        const bx = this.at(seq), n = model.node[seq];
        if (n && bx > rows.left - 5 && bx < rows.right + 5) this.text("⚡", bx, rows.lane(n).life - 9, { colour: "warn", size: 10, align: "center" });
      }
    }
    if (model.quiescence) this.line(this.at(model.quiescence), 16, this.at(model.quiescence), rows.bottom, "good", 1, [6, 3]);
  }

  lives() {
    const { g, rows, model } = this;
    this.roles = []; // painted later, as folds may come in between
    model.lanes.forEach((l, i) => {
      const lane = rows.lane(i + 1), y = lane.life;
      let down = 0;
      const gone = (from, until, how) => {
        const s = this.stretch(from, until);
        if (!s || s[1] - s[0] < 1) return;
        this.hatch(s[0], y - 7, s[1] - s[0], 14, "line-strong", 0.5);
        if (this.rows.wordy && s[1] - s[0] > 50) this.text(how, Math.max(s[0], rows.left) + 6, y, { colour: "soft", size: 10, halo: true });
      };
      for (const [from, until, number, how] of l.incarnations) {
        if (down) gone(down, from, "down");
        const s = this.stretch(from, until);
        if (s && s[1] > rows.left && s[0] < rows.right) {
          this.line(s[0], y, s[1], y, "line-strong", 2);
          if (this.at(from) >= rows.left) this.text(number === 1 ? "" : `#${number}`, this.at(from) + 5, y - 8, { colour: "soft", size: 10 });
        }
        if (until) {
          const x = this.at(until), crash = model.packed.texts[how] === "crash";
          this.line(x - 4, y - 5, x + 4, y + 5, crash ? "bad" : "text", 2);
          if (crash) this.line(x - 4, y + 5, x + 4, y - 5, "bad", 2);
        }
        down = until;
        if (!until) down = 0;
      }
      if (down) gone(down, 0, "down");
      for (const [from, until, state, term] of l.roles) {
        const role = model.packed.texts[state], s = this.stretch(from, until);
        if (!s || s[1] < rows.left || s[0] > rows.right || role === "Follower") continue;
        g.fillStyle = this.colour[role === "Leader" ? "c1" : "c6"];
        g.globalAlpha = role === "Leader" ? 1 : 0.7;
        g.fillRect(s[0], y - (role === "Leader" ? 3.5 : 2), s[1] - s[0], role === "Leader" ? 7 : 4);
        g.globalAlpha = 1;
        const words = `${role.toLowerCase()}, term ${term}`, x = Math.max(s[0], rows.left) + 4;
        if (this.rows.wordy && s[1] - x > this.measure(words, 10)) this.roles.push([words, x, y - 10, { colour: role === "Leader" ? "c1" : "c6", size: 10, weight: "600", halo: true }]);
      }
      for (const [from, until] of l.pauses) {
        const s = this.stretch(from, until);
        if (!s || s[1] < rows.left || s[0] > rows.right) continue;
        g.fillStyle = this.colour.sunken;
        g.fillRect(s[0], y - 6, Math.max(2, s[1] - s[0]), 12);
        this.line(s[0], y, s[1], y, "line-strong", 2, [2, 4]);
        if (s[1] - s[0] > 44) this.text("paused", Math.max(s[0], rows.left) + 4, y, { colour: "soft", size: 10, halo: true });
      }
    });
  }

  messages() {
    const { g, scene, model, view, rows } = this, m = model.messages;
    const many = scene.messageSpans.countWithin(view.start, view.end), thin = many > dense;
    // Thinned out, one arrow represents all that begin on the same pixels, in a path for each
    // style.
    const seen = new Set(), paths = new Map();
    scene.messageSpans.within(view.start, view.end, (n) => {
      const i = scene.messages[n], from = m.from[i], to = m.to[i];
      if (!from || !to) return;
      const x1 = this.at(m.sent[i]), y1 = rows.lane(from).life, y2 = rows.lane(to).life;
      let x2 = this.x(scene.arrive[n]), y = y2;
      const lost = m.lost[i] !== "", disturbed = m.disturbed[i];
      if (thin && !lost && !disturbed) {
        const key = (Math.round(x1 / 2) * 64 + from) * 64 + to;
        if (seen.has(key)) return;
        seen.add(key);
        const [colour] = look(m.kind[i]);
        if (!paths.has(colour)) paths.set(colour, new Path2D());
        paths.get(colour).moveTo(x1, y1);
        paths.get(colour).lineTo(x2, y2);
        return;
      }
      if (lost) {
        x2 = x1 + Math.max(8, (x2 - x1) * 0.6);
        y = y1 + (y2 - y1) * 0.6;
      }
      const [colour, dash] = look(m.kind[i]);
      g.globalAlpha = lost || disturbed ? 1 : 0.75;
      const end = y > y1 ? y - 4 : y + 4;
      this.line(x1, y1, x2, lost ? y : end, lost || disturbed ? "warn" : colour, lost || disturbed ? 1.6 : 1, dash);
      if (lost) {
        this.line(x2 - 4, y - 4, x2 + 4, y + 4, "bad", 2);
        this.line(x2 - 4, y + 4, x2 + 4, y - 4, "bad", 2);
      } else {
        const angle = Math.atan2(end - y1, x2 - x1);
        g.fillStyle = this.colour[disturbed ? "warn" : colour];
        g.beginPath();
        g.moveTo(x2, end);
        g.lineTo(x2 - 7 * Math.cos(angle - 0.4), end - 7 * Math.sin(angle - 0.4));
        g.lineTo(x2 - 7 * Math.cos(angle + 0.4), end - 7 * Math.sin(angle + 0.4));
        g.fill();
      }
    });
    g.globalAlpha = 0.35;
    g.lineWidth = 1;
    for (const [colour, path] of paths) {
      g.strokeStyle = this.colour[colour];
      g.stroke(path);
    }
    g.globalAlpha = 1;
  }

  calls() {
    const { g, scene, model, view, rows } = this, c = model.calls;
    const free = new Map();
    let last = new Map();
    scene.callSpans.within(view.start, view.end, (n) => {
      const i = scene.calls[n], lane = c.lane[i];
      if (!lane) return;
      const y = rows.lane(lane).calls, x1 = this.at(c.called[i]), x2 = c.returned[i] ? this.at(c.returned[i]) : Math.min(this.x(scene.axis.width), x1 + 30);
      // An event on the pixels of the previous one is not painted.
      if (x2 - x1 < 1 && last.get(lane) === Math.round(x1)) return;
      last.set(lane, Math.round(x1));
      const outcome = c.outcome[i], colour = outcome === "ok" ? "c3" : outcome === "rejected" ? "c6" : outcome === "" ? "soft" : "bad";
      g.fillStyle = this.colour[colour];
      g.globalAlpha = 0.28;
      g.fillRect(x1, y - 3, Math.max(2, x2 - x1), 6);
      g.globalAlpha = 1;
      this.line(x1, y - 5, x1, y + 5, colour, 1.5);
      if (c.returned[i]) this.line(x2, y - 5, x2, y + 5, colour, 1.5);
      else this.line(x2 - 6, y, x2, y, colour, 1, [1, 2]);
      if (c.proposed[i] && this.perUnit > 5) this.dot(this.at(c.proposed[i]), y, 1.6, colour);
      if (c.committed[i]) this.dot(this.at(c.committed[i]), y, 2.6, colour);
      this.label(free, `c${lane}`, c.do[i], x1, y - 10, colour);
    });
  }

  // label paints a text at a position, if nothing else is painted there in its row.
  label(free, row, words, x, y, colour, weight = "") {
    if (!this.rows.wordy) return;
    const at = Math.max(x, this.rows.left) + 1;
    if (at < (free.get(row) ?? -Infinity)) return;
    const wide = this.measure(words, 10, weight);
    this.text(words, at, y, { colour, size: 10, weight, halo: true });
    free.set(row, at + wide + 6);
  }

  dot(x, y, r, colour, stroke) {
    const g = this.g;
    g.beginPath();
    g.arc(x, y, r, 0, 7);
    g.fillStyle = this.colour[colour];
    g.fill();
    if (stroke) {
      g.lineWidth = 1.5;
      g.strokeStyle = this.colour[stroke];
      g.stroke();
    }
  }

  bars() {
    const { g, scene, model, view, rows } = this, b = model.bars;
    const free = new Map(), last = new Map();
    scene.barSpans.within(view.start, view.end, (n) => {
      const i = scene.bars[n], lane = b.lane[i], kind = b.kind[i];
      if (!lane) return;
      const row = rows.lane(lane), callback = kind === "callback", stall = kind === "stall";
      const y = callback ? row.callbacks : row.work, height = callback ? 11 : kind === "work" ? 7 : stall ? 5 : 3;
      const x1 = this.at(b.from[i]), x2 = b.until[i] ? this.at(b.until[i]) : this.x(scene.axis.width), wide = Math.max(2.5, x2 - x1);
      const key = `${lane} ${kind}`;
      if (wide < 3 && last.get(key) === Math.round(x1)) return;
      last.set(key, Math.round(x1));
      const failed = b.outcome[i] !== "" && b.outcome[i] !== "ok";
      const colour = callback ? callbackColour(b.name[i]) : kind === "work" ? "c5" : stall ? "bad" : "line-strong";
      g.fillStyle = this.colour[colour];
      g.globalAlpha = callback ? 0.9 : kind === "work" ? 0.75 : 0.5;
      g.fillRect(x1, y, wide, height);
      g.globalAlpha = 1;
      if (failed) this.hatch(x1, y - 1, wide, height + 2, "bad", 1);
      if (callback) this.label(free, `b${lane}`, b.name[i] + (failed ? " ✗" : ""), x1, y + height + 7, colour, "600");
      else if (stall) this.label(free, `s${lane}`, `held up in ${b.name[i]}`, x1, y + height + 7, "bad");
      else if (kind === "work") this.label(free, `w${lane}`, b.name[i] + (failed ? " ✗" : ""), x1, y + height + 7, "c5");
    });
  }

  marks() {
    const { scene, model, view } = this;
    const facts = new Set(model.violations[0]?.events ?? []);
    let i = Math.max(0, lastUpTo(scene.shownAt, view.start - 1)), before = new Map();
    for (; i < scene.shown.length; i++) {
      const seq = scene.shown[i], x = this.at(seq);
      if (x > this.rows.right + 10) break;
      const lane = model.node[seq], pixel = Math.round(x);
      if (before.get(lane) === pixel && !facts.has(seq)) continue;
      before.set(lane, pixel);
      const y = this.rows.y(lane);
      if (!lane && !model.steps) continue;
      this.dot(x, y, this.perUnit > 3 ? 2.6 : 1.4, markColour(model.groups[model.group[seq]].name));
      if (facts.has(seq)) {
        this.g.beginPath();
        this.g.arc(x, y, 7, 0, 7);
        this.g.lineWidth = 2;
        this.g.strokeStyle = this.colour.bad;
        this.g.stroke();
      }
    }
  }

  log() {
    const { g, scene, model, view, rows } = this, c = model.commits;
    if (model.steps) this.stepNames();
    const y = rows.log.box;
    if (!model.steps || scene.commits.length) this.line(rows.left, y, this.width, y, "line-strong", 1);
    const free = new Map(), facts = new Set(model.violations[0]?.events ?? []);
    let i = Math.max(0, lastUpTo(scene.commitAt, view.start - 1)), before = -1;
    for (; i < scene.commits.length; i++) {
      const n = scene.commits[i], x = this.at(c.seq[n]);
      if (x > rows.right + 20) break;
      const pixel = Math.round(x);
      if (pixel === before) continue;
      before = pixel;
      const bad = facts.has(c.seq[n]), lane = model.node[c.seq[n]];
      if (lane && this.perUnit > 4) this.line(x, y + 4, x, rows.lane(lane).life, bad ? "bad" : "line-strong", 1, [2, 3]);
      this.dot(x, y, this.perUnit > 3 ? 4 : 2, c.ok[n] ? "c3" : "raised", bad ? "bad" : "c3");
      const words = `${c.index[n]} ${c.words[n]}`;
      if (this.rows.wordy || !model.lanes.length) {
        const at = Math.max(x - 2, rows.left), from = free.get("l") ?? -Infinity;
        if (at >= from && x >= rows.left) {
          const wide = this.measure(words, 10, bad ? "700" : "");
          this.text(words, at, y + 12, { colour: bad ? "bad" : "text", size: 10, weight: bad ? "700" : "", halo: true });
          free.set("l", at + wide + 8);
        } else if (at >= (free.get("m") ?? -Infinity) && x >= rows.left) {
          this.text(String(c.index[n]), at, y - 8, { colour: "soft", size: 9, halo: true });
          free.set("m", at + this.measure(String(c.index[n]), 9) + 3);
        }
      }
    }
    // The status of tasks, as flags below.
    let end = -Infinity;
    for (let k = Math.max(0, lastUpTo(scene.statusAt, view.start - 1)); k < scene.statuses.length; k++) {
      const s = scene.statuses[k], x = this.at(s.seq);
      if (x > rows.right) break;
      if (x < end || x < rows.left - 2) continue;
      const words = `${s.task.slice(s.task.indexOf("/") + 1)}: ${s.status}`, wide = this.measure(words, 10, "600") + 10, top = rows.log.bottom - 19;
      const bad = facts.has(s.seq) || facts.has(s.seq - 1);
      g.fillStyle = this.colour[bad ? "bad-ground" : "accent-ground"];
      g.fillRect(x, top, wide, 15);
      this.line(x, top, x, top + 15, bad ? "bad" : "accent", 2);
      this.text(words, x + 6, top + 8, { colour: bad ? "bad" : "accent", size: 10, weight: "600" });
      end = x + wide + 3;
    }
  }

  // stepNames labels the steps of the model checker, in four rows so that most have room.
  stepNames() {
    const { scene, model, rows } = this, free = [0, 0, 0, 0];
    let row = 0;
    for (let i = Math.max(0, lastUpTo(scene.shownAt, this.view.start)); i < scene.shown.length; i++) {
      const seq = scene.shown[i], x = this.at(seq);
      if (x > rows.right) break;
      if (model.node[seq] || x < rows.left - 4) continue;
      row = (row + 1) % 4;
      if (x < free[row]) continue;
      const y = 8 + row * 12;
      this.line(x, y - 4, x, rows.bottom, "line");
      free[row] = x + this.text(model.words(seq), x + 4, y, { size: 10, halo: true }) + 12;
    }
    if (!model.lanes.length) this.machine();
  }

  // machine paints the parts of a model without nodes, a row each.
  machine() {
    const { g, model, rows, scene } = this, parts = model.parts.filter((p) => p.name.startsWith("model/"));
    const tall = Math.min(46, (rows.bottom - rows.log.bottom) / Math.max(1, parts.length));
    parts.forEach((part, n) => {
      const top = rows.log.bottom + n * tall, y = top + tall / 2;
      this.line(rows.left - 4, top, this.width, top, "line");
      part.at.forEach((seq, i) => {
        const value = model.packed.texts[model.changeValue[part.changes[i]]], s = this.stretch(seq, part.at[i + 1] ?? 0);
        if (!s || s[1] <= s[0] || value === "") return;
        const now = this.current >= seq && !(part.at[i + 1] <= this.current), x = Math.max(s[0], rows.left);
        g.fillStyle = this.colour[now ? "accent-ground" : "sunken"];
        g.fillRect(s[0] + 1, y - 10, s[1] - s[0] - 2, 20);
        this.line(s[0], y - 10, s[0], y + 10, now ? "accent" : "line-strong", 2);
        g.save();
        g.beginPath();
        g.rect(x, y - 10, s[1] - x - 3, 20);
        g.clip();
        this.text(value, x + 6, y, { size: 10.5, colour: now ? "accent" : "text" });
        g.restore();
      });
    });
    scene.machine = { parts, tall };
  }

  violations() {
    const { g, model, rows } = this;
    const drawn = new Set();
    for (const v of model.violations) {
      const seq = v.events.at(-1) ?? model.count, x = this.at(seq);
      if (x < rows.left - 5 || x > rows.right + 5) continue;
      const pixel = Math.round(x / 3);
      if (drawn.has(pixel)) continue;
      drawn.add(pixel);
      const first = v === model.violations[0];
      g.globalAlpha = first ? 1 : 0.5;
      this.line(x, 16, x, rows.bottom, "bad", first ? 2 : 1, first ? [] : [4, 3]);
      g.globalAlpha = 1;
      if (first) {
        const words = `✗ ${v.property}`, wide = this.measure(words, 11, "700") + 10, at = Math.min(x, this.width - wide / 2 - 2);
        g.fillStyle = this.colour.bad;
        g.fillRect(at - wide / 2, rows.bottom - 1, wide, 15);
        g.fillStyle = this.colour.ground;
        g.font = `700 11px ${sans}`;
        g.textAlign = "center";
        g.textBaseline = "middle";
        g.fillText(words, at, rows.bottom + 7);
      }
    }
  }

  // absent marks what had not happened: on the lane of the node that it was missing from,
  // and where it happened later.
  absent() {
    const { g, model, rows } = this, v = model.violations[0];
    if (!v) return;
    const x = this.at(v.events.at(-1) ?? model.count);
    for (const a of v.absent) {
      const words = `no ${a.what} of ${model.lanes[a.lane - 1].name} yet`, wide = this.measure(words, 11, "700") + 14;
      const lane = rows.lane(a.lane), y = Math.min(lane.bottom - 20, lane.work + 8);
      const right = x - 8 - wide > rows.left, at = right ? x - 8 - wide : x + 8;
      g.fillStyle = this.colour["bad-ground"];
      g.strokeStyle = this.colour.bad;
      g.lineWidth = 1.5;
      g.setLineDash([4, 3]);
      g.beginPath();
      g.rect(at, y, wide, 18);
      g.fill();
      g.stroke();
      g.setLineDash([]);
      this.text(words, at + 7, y + 9.5, { colour: "bad", size: 11, weight: "700" });
      this.dot(x, y + 9, 4, "raised", "bad");
      if (a.came) {
        const came = this.at(a.came);
        this.line(x + 4, y + 9, came, y + 9, "bad", 1, [2, 3]);
        this.line(came, y + 9, came, rows.log.box, "bad", 1, [2, 3]);
        this.text(`it happens here, ${duration(model.at[a.came] - model.at[v.events.at(-1) ?? model.count])} later`, Math.min(came + 4, this.width - 150), y + 9, { colour: "bad", size: 10, halo: true });
      }
    }
  }

  cursor() {
    const { g, current, rows } = this;
    if (!current) return;
    const x = this.at(current);
    this.line(x, 16, x, rows.bottom, "accent", 1.5);
    this.dot(x, rows.y(this.model.node[current]), 5, "accent", "ground");
    g.fillStyle = this.colour.accent;
    g.beginPath();
    g.moveTo(x - 5, 11);
    g.lineTo(x + 5, 11);
    g.lineTo(x, 18);
    g.fill();
  }

  // names labels the lanes, with the state of each node at the step.
  names() {
    const { g, model, rows, current } = this;
    g.fillStyle = this.colour.raised;
    g.fillRect(0, 0, rows.left - 4, this.height);
    this.line(rows.left - 4, 0, rows.left - 4, rows.bottom, "line");
    g.save();
    g.beginPath();
    g.rect(0, 0, rows.left - 6, this.height);
    g.clip();
    (this.scene.machine?.parts ?? []).forEach((part, n) => this.text(unescape1(part.name.slice(6)), 10, rows.log.bottom + (n + 0.5) * this.scene.machine.tall, { weight: "650", size: 12 }));
    this.text(model.steps ? "steps" : "log", 10, rows.log.box, { weight: "650", size: 12 });
    model.lanes.forEach((l, i) => {
      const lane = rows.lane(i + 1), part = `node/${l.name.replaceAll("%", "%25").replaceAll("/", "%2F")}`;
      this.line(0, lane.top, rows.left - 4, lane.top, "line");
      this.text(l.name, 10, lane.life - (rows.wordy ? 8 : 0), { weight: "650", size: 13 });
      if (!rows.wordy) return;
      const raft = model.valueOf(`${part}/raft`, current), up = model.valueOf(part, current);
      const [role, term] = raft.split(" in term ");
      this.text(up.startsWith("up") ? (role ? `${role.toLowerCase()}` : "up") : up || "–", 10, lane.life + 7, { colour: role === "Leader" ? "c1" : "soft", size: 10.5 });
      if (term) this.text(`term ${term}`, 10, lane.life + 21, { colour: "soft", size: 10.5 });
    });
    g.restore();
  }
}

// clock formats a time with the digits that distinguish it from its neighbours.
function clock(ns, perUnit) {
  const s = ns / 1e9;
  return `${s.toFixed(perUnit > 3 ? 3 : 1)} s`;
}

// look returns the style of messages of a kind.
function look(kind) {
  const reply = kind.endsWith("-reply"), base = reply ? kind.slice(0, -6) : kind;
  const colour = { append: "c1", vote: "c4", "pre-vote": "c4", forward: "c2", snapshot: "c6", "timeout-now": "c4" }[base] ?? "line-strong";
  return [colour, reply ? [3, 3] : []];
}

function callbackColour(name) {
  return { OnGroupCompleted: "c3", OnSwapRequested: "c2", OnTaskCompleted: "c4" }[name] ?? "c6";
}

function markColour(group) {
  return { lives: "text", faults: "warn", leaders: "c1", log: "c3", tasks: "accent", calls: "c3", callbacks: "c2", work: "c5", data: "c4", steps: "text" }[group] ?? "line-strong";
}
