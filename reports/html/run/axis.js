import { lastUpTo } from "./model.js";

// The axis is a rising function from sequence numbers to widths: units in which shown events are
// apart. It has no pixels.

// foldWidth is the width of a fold.
const foldWidth = 4;

export class Axis {
  // The shown events are those of pick; scale is "even", which keeps events apart and
  // shortens long times, or "time".
  constructor(model, { shown, folded, rest }, scale) {
    this.model = model;
    this.at = new Float64Array(model.count + 2);
    this.folds = [];
    const span = (model.at[model.count] || 1) / 1e6, wide = scale === "time" ? Math.max(1, span / 60) : foldWidth;
    let width = 0, before = 0;
    const fill = (from, until, end) => {
      const start = this.at[from], t0 = model.at[from], dt = model.at[until] - t0;
      for (let seq = from + 1; seq < until; seq++) {
        const share = dt > 0 && scale === "time" ? (model.at[seq] - t0) / dt : (seq - from) / (until - from);
        this.at[seq] = start + (end - start) * share;
      }
      this.at[until] = end;
    };
    for (let i = 0; i < shown.length; i++) {
      const seq = shown[i], dt = (model.at[seq] - model.at[before]) / 1e6;
      let gap = scale === "time" ? dt : i === 0 ? 0.5 : apart(dt, model.node[seq] === model.node[before]);
      if (folded[i]) {
        gap = scale === "time" ? Math.min(gap, wide) : wide;
        this.folds.push({ from: before + 1, until: seq - 1, start: width, end: width + gap, count: folded[i] });
      }
      fill(before, seq, width + gap);
      width += gap;
      before = seq;
    }
    const end = model.count + 1;
    const tail = scale === "time" ? Math.min((model.at[end] - model.at[before]) / 1e6, rest ? wide : Infinity) : rest ? wide : model.steps ? 3 : 1;
    if (rest) this.folds.push({ from: before + 1, until: model.count, start: width, end: width + tail, count: rest });
    fill(before, end, width + Math.max(tail, 1e-6));
    this.width = width + Math.max(tail, 1e-6);
  }

  // time returns the position of a time, as messages arrive between events. Seq is the
  // last event up to it, if known.
  time(t, seq = this.model.upTo(t)) {
    const model = this.model;
    if (seq >= model.count) return this.width;
    const t0 = model.at[seq], t1 = model.at[seq + 1];
    return t1 > t0 ? this.at[seq] + ((this.at[seq + 1] - this.at[seq]) * (t - t0)) / (t1 - t0) : this.at[seq];
  }

  // placeAt returns the last event at a width or before it.
  placeAt(width) { return Math.max(0, lastUpTo(this.at, width)); }
}

// apart returns the distance of two events that are some milliseconds apart.
function apart(ms, sameNode) {
  if (ms === 0) return sameNode ? 1 : 0.7;
  return 1 + Math.min(4, Math.log2(1 + ms / 4) * 0.5);
}
