import { Model, unpack, lastUpTo } from "./model.js";
import { pick, near } from "./pick.js";
import { Axis } from "./axis.js";
import { Rows } from "./lanes.js";
import { Scene, Painter } from "./paint.js";
import { Overview } from "./overview.js";
import { View } from "./view.js";
import { showEvent, showState, sayStep } from "./state.js";
import { element } from "shell/shell.js";
import { count, visible } from "shell/text.js";

// The page of a run.

const $ = (id) => document.getElementById(id);

class Page {
  constructor(model) {
    this.model = model;
    this.nearby = near(model);
    this.view = new View();
    this.painter = new Painter($("diagram"));
    this.overview = new Overview($("overview"));
    const violated = model.violations.length > 0;
    this.filter = { detail: violated ? "near" : model.count > 400 ? "decisive" : "all", groups: model.groups.map((g) => g.shown), hidden: new Set(), task: 0, find: "", unfolded: [] };
    this.scale = "even";
    this.violationAt = model.violations.map((v) => v.events.at(-1) ?? model.count);
    this.offer();
    this.fit();
    this.listen();
    this.refilter();
    const linked = /^#e(\d+)$/.exec(location.hash);
    if (linked) this.go(Number(linked[1]));
    else this.begin();
  }

  begin() {
    const first = this.violationAt[0];
    if (first) {
      this.go(first);
      this.home();
    } else {
      // The end of the last task is more interesting than the end of the run.
      this.view.all();
      this.step(lastUpTo(this.scene.shown, this.scene.statuses.filter((s) => s.status !== "gone").at(-1)?.seq ?? 1));
    }
  }

  // fit gives the diagram the rest of the window.
  fit() {
    const stage = document.querySelector(".stage"), top = stage.getBoundingClientRect().top + scrollY;
    stage.style.setProperty("--tall", `${Math.max(430, 190 + this.model.lanes.length * 46, innerHeight - Math.min(top, innerHeight * 0.45) - 6)}px`);
  }

  // offer fills the choices.
  offer() {
    const { model } = this;
    if (!model.violations.length) {
      for (const e of [document.querySelector('[data-detail="near"]'), $("home"), $("next")]) e.hidden = true;
    }
    if (model.steps) $("scale").closest("label").hidden = true;
    model.tasks.forEach((name, i) => i && $("task").append(element("option", { value: i }, name)));
    $("task").closest("label").hidden = model.tasks.length < 2;
    const present = new Set(model.group);
    const box = (name, on, change) => {
      const input = element("input", { type: "checkbox" });
      input.checked = on;
      input.addEventListener("change", () => { change(input.checked); this.refilter(); });
      return element("label", {}, input, ` ${name}`);
    };
    model.lanes.forEach((l, i) => $("nodes").append(box(l.name, true, (on) => { on ? this.filter.hidden.delete(i + 1) : this.filter.hidden.add(i + 1); })));
    $("nodes").closest("details").hidden = model.lanes.length < 2;
    model.groups.forEach((g, i) => { if (present.has(i)) $("kinds").append(box(g.name, g.shown, (on) => { this.filter.groups[i] = on; })); });
  }

  // refilter picks the shown events, and keeps the step and approximately the view.
  refilter() {
    const { model, filter } = this, before = performance.now();
    const old = this.scene, picked = pick(model, filter, this.nearby), axis = new Axis(model, picked, this.scale);
    const first = old ? old.axis.placeAt(this.view.start) : 0, end = old ? old.axis.placeAt(this.view.end) : 0;
    this.scene = new Scene(model, axis, picked, filter);
    this.view.resize(axis.width);
    if (old && this.view.start > 0) this.view.to(axis.at[first], axis.at[Math.max(end, first)]);
    else this.view.all();
    const slider = $("step");
    slider.max = Math.max(1, picked.shown.length);
    for (const b of document.querySelectorAll("[data-detail]")) b.setAttribute("aria-pressed", String(b.dataset.detail === filter.detail));
    if (this.current) this.go(this.current, false);
    this.paint();
    this.took = performance.now() - before;
    $("said").textContent = `${count(picked.shown.length)} of ${count(model.count)} events are shown`;
  }

  paint() {
    if (!$("diagram").clientWidth) return; // on paper
    const canvas = $("diagram"), { scene, view, painter, current } = this;
    this.rows = new Rows(this.model, canvas.clientWidth, canvas.clientHeight - 16);
    painter.paint(scene, this.rows, view, current ?? 0);
    this.overview.paint(scene, view, this.rows.left, current ?? 0);
  }

  // print puts the diagram on paper, in light colours.
  print() {
    const root = document.documentElement, chosen = root.dataset.scheme, size = [1000, 140 + 96 * this.model.lanes.length];
    const canvas = element("canvas", { role: "img", "aria-label": "Space-time diagram" });
    root.dataset.scheme = "light";
    new Painter(canvas, size).paint(this.scene, new Rows(this.model, size[0], size[1] - 16), this.view, this.current ?? 0);
    if (chosen) root.dataset.scheme = chosen;
    else delete root.dataset.scheme;
    $("printed").replaceChildren(canvas, element("figcaption", { class: "cut" }, "The diagram as it was shown. The state at each step is not on paper."));
  }

  repaint() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.paint(); });
  }

  // go shows an event, or the last shown one before it.
  go(seq, reveal = true) {
    const shown = this.scene.shown;
    let n = lastUpTo(shown, seq);
    if (reveal && shown[n] !== seq && seq >= 1 && seq <= this.model.count) {
      // An event that is asked for by number is unfolded with its neighbours.
      this.filter.unfolded.push([seq - 10, seq + 10]);
      this.filter.groups[this.model.group[seq]] = true;
      this.filter.task = this.filter.task && this.filter.task !== this.model.task[seq] ? 0 : this.filter.task;
      $("task").value = this.filter.task || "";
      this.filter.find = $("find").value = "";
      this.filter.hidden.delete(this.model.node[seq]);
      this.syncBoxes();
      this.current = 0;
      this.refilter();
      n = lastUpTo(this.scene.shown, seq);
    }
    this.step(Math.max(0, n), reveal);
  }

  syncBoxes() {
    [...$("nodes").querySelectorAll("input")].forEach((input, i) => { input.checked = !this.filter.hidden.has(i + 1); });
    const present = new Set(this.model.group), numbers = this.model.groups.map((_, i) => i).filter((i) => present.has(i));
    [...$("kinds").querySelectorAll("input")].forEach((input, i) => { input.checked = this.filter.groups[numbers[i]]; });
  }

  // step shows the event at a position among the shown ones.
  step(n, reveal = true) {
    const { shown, axis } = this.scene, { model } = this;
    if (!shown.length) {
      this.current = 0;
      $("count").textContent = "no events";
      $("event").replaceChildren();
      $("state").replaceChildren();
      return;
    }
    n = Math.min(Math.max(0, n), shown.length - 1);
    this.position = n;
    this.current = shown[n];
    const before = n > 0 ? shown[n - 1] : 0;
    const slider = $("step");
    slider.value = n + 1;
    slider.setAttribute("aria-valuetext", visible(sayStep(model, this.current)));
    $("count").textContent = `${count(n + 1)} / ${count(shown.length)}`;
    showEvent($("event"), model, this.current, before);
    showState($("state"), model, this.current, before);
    for (const row of document.querySelectorAll("tr.here")) row.classList.remove("here");
    document.querySelector(`#events a[href="#e${this.current}"]`)?.closest("tr").classList.add("here");
    $("diagram").setAttribute("aria-label", `Space-time diagram. ${visible(sayStep(model, this.current))}`);
    if (reveal) this.view.reveal(axis.at[this.current]);
    this.repaint();
  }

  // next goes to the next violation, from the last one to the first.
  next() {
    const all = [...new Set(this.violationAt)].sort((a, b) => a - b);
    if (all.length) this.go(all.find((seq) => seq > this.current) ?? all[0]);
  }

  // home shows the surroundings of the first violation.
  home() {
    const v = this.model.violations[0], at = this.scene.axis.at;
    if (!v) return this.view.all();
    const middle = at[v.events.at(-1) ?? this.model.count];
    const ends = [middle + 8, ...v.absent.map((a) => at[a.came] + 5)];
    // The next change of the property is included if it is not far away.
    for (const other of this.model.violations) {
      if (other.property === v.property) ends.push(at[other.events.at(-1) ?? 0] + 9);
    }
    const end = Math.max(...ends.filter((e) => e < middle + 34));
    this.view.to(middle - 24, end);
    this.repaint();
  }

  listen() {
    const canvas = $("diagram"), strip = $("overview"), { view } = this;
    for (const b of document.querySelectorAll("[data-detail]")) {
      b.addEventListener("click", () => { this.filter.detail = b.dataset.detail; this.filter.unfolded = []; this.refilter(); this.view.reveal(this.scene.axis.at[this.current]); });
    }
    $("task").addEventListener("change", (e) => { this.filter.task = Number(e.target.value); this.refilter(); });
    $("find").addEventListener("input", (e) => { this.filter.find = e.target.value; this.refilter(); });
    $("scale").addEventListener("change", (e) => { this.scale = e.target.value; this.refilter(); this.view.all(); this.repaint(); });
    $("step").addEventListener("input", (e) => this.step(Number(e.target.value) - 1));
    $("back").addEventListener("click", () => this.step(this.position - 1));
    $("on").addEventListener("click", () => this.step(this.position + 1));
    $("next").addEventListener("click", () => this.next());
    $("in").addEventListener("click", () => this.zoom(1 / 1.6));
    $("out").addEventListener("click", () => this.zoom(1.6));
    $("fit").addEventListener("click", () => { view.all(); this.repaint(); });
    $("home").addEventListener("click", () => this.home());
    document.addEventListener("keydown", (e) => this.key(e));
    document.addEventListener("click", (e) => {
      const link = e.target.closest?.('a[href^="#e"]'), place = link && /^#e(\d+)$/.exec(link.getAttribute("href"));
      if (!place) return;
      e.preventDefault();
      this.go(Number(place[1]));
      document.querySelector(".run").scrollIntoView({ block: "nearest" });
    });
    addEventListener("resize", () => this.fit());
    addEventListener("beforeprint", () => this.print());
    new ResizeObserver(() => this.repaint()).observe(canvas);
    document.documentElement.addEventListener("scheme", () => this.repaint());

    const width = (x) => view.start + ((x - this.rows.left) / (this.rows.right - this.rows.left)) * (view.end - view.start);
    canvas.addEventListener("wheel", (e) => {
      if (!e.deltaY && !e.deltaX) return;
      e.preventDefault();
      if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) view.pan(((e.deltaX || e.deltaY) / 800) * (view.end - view.start));
      else view.zoom(Math.exp(e.deltaY / 400), width(e.offsetX));
      this.repaint();
    }, { passive: false });
    let drag = null;
    canvas.addEventListener("pointerdown", (e) => { drag = { x: e.offsetX, start: view.start, moved: false }; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointermove", (e) => {
      if (!drag) return this.point(e);
      const by = e.offsetX - drag.x;
      if (!drag.moved && Math.abs(by) < 4) return;
      drag.moved = true;
      view.pan(drag.start - view.start - (by / (this.rows.right - this.rows.left)) * (view.end - view.start));
      this.repaint();
    });
    canvas.addEventListener("pointerup", (e) => {
      if (drag && !drag.moved) this.click(e, width(e.offsetX));
      drag = null;
    });
    canvas.addEventListener("pointerleave", () => { $("tip").hidden = true; });
    const jump = (e) => {
      const at = this.overview.at(e.offsetX), size = view.end - view.start;
      view.to(at - size / 2, at + size / 2);
      this.repaint();
    };
    strip.addEventListener("pointerdown", (e) => { strip.setPointerCapture(e.pointerId); jump(e); });
    strip.addEventListener("pointermove", (e) => { if (e.buttons) jump(e); });
  }

  zoom(factor) {
    const at = this.scene.axis.at[this.current], { view } = this;
    view.zoom(factor, at >= view.start && at <= view.end ? at : (view.start + view.end) / 2);
    this.repaint();
  }

  key(e) {
    const t = e.target;
    if (e.ctrlKey || e.metaKey || e.altKey || t.matches('input:not([type="range"], [type="checkbox"]), select, textarea')) return;
    const at = this.position ?? 0, end = this.scene.shown.length - 1, inside = t.matches("#diagram, #step");
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1 };
    if (inside) Object.assign(steps, { ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: end });
    if (e.key in steps) this.step(steps[e.key]);
    else if (e.key === "v") this.next();
    else if (e.key === "+" || e.key === "=") this.zoom(1 / 1.6);
    else if (e.key === "-") this.zoom(1.6);
    else if (e.key === "0") { this.view.all(); this.repaint(); }
    else return;
    e.preventDefault();
  }

  // closest returns the position of the shown event closest to a point; -1 for none.
  closest(x, y) {
    const { scene, view, rows } = this, perUnit = (rows.right - rows.left) / (view.end - view.start);
    const at = view.start + (x - rows.left) / perUnit, lane = rows.laneAt(y), reach = 14 / perUnit;
    let best = -1, least = Infinity;
    for (let i = Math.max(0, lastUpTo(scene.shownAt, at - reach)); i < scene.shown.length && scene.shownAt[i] <= at + reach; i++) {
      const seq = scene.shown[i], kind = this.model.kind(seq), on = kind === "committed" ? 0 : this.model.node[seq];
      const far = Math.abs(scene.shownAt[i] - at) * perUnit + (on === lane ? 0 : 30);
      if (far < least && far < 14 + 30) [best, least] = [i, far];
    }
    return best;
  }

  click(e, at) {
    const fold = this.scene.axis.folds.find((f) => at > f.start && at < f.end), n = this.closest(e.offsetX, e.offsetY);
    if (fold && n < 0) {
      this.filter.unfolded.push([fold.from, fold.until]);
      this.refilter();
    } else if (n >= 0) this.step(n, false);
  }

  // point describes what the pointer is on.
  point(e) {
    const n = this.closest(e.offsetX, e.offsetY), tip = $("tip");
    tip.hidden = n < 0;
    if (n < 0) return;
    const seq = this.scene.shown[n];
    tip.replaceChildren(element("strong", {}, this.model.words(seq)), element("span", { class: "soft" }, sayStep(this.model, seq).split(":")[0]));
    tip.style.left = `${Math.min(e.offsetX + 14, $("diagram").clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${$("diagram").offsetTop + e.offsetY + 16}px`;
  }
}

const began = performance.now();
const page = new Page(new Model(await unpack($("run").textContent)));
// For tests.
window.dtsim = { page, took: performance.now() - began, ready: performance.now() };
document.documentElement.dataset.ready = "";
