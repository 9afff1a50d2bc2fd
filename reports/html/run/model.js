// The run: its events, and the state after any of them. Events are named by their sequence
// numbers, from 1; 0 is none.

// unpack decodes base64 of gzip of JSON.
export async function unpack(text) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// lastUpTo returns the index of the last number that is not above a limit in an ascending list,
// from an index on and before another one; -1 if there is none.
export function lastUpTo(list, limit, from = 0, until = list.length) {
  let low = from, high = until;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const texts = (packed) => (column) => column.map((n) => packed.texts[n]);

export class Model {
  constructor(packed) {
    const events = packed.events, count = events.at.length;
    this.packed = packed;
    this.count = count;
    this.steps = packed.steps;
    this.lanes = packed.lanes;
    this.tasks = packed.tasks;
    this.groups = packed.groups;
    this.violations = packed.violations;
    this.faults = packed.faults;
    this.quiescence = packed.quiescence;

    const column = (kind, values) => {
      const all = new kind(count + 1);
      all.set(values, 1);
      return all;
    };
    this.at = new Float64Array(count + 2);
    this.offset = new Uint32Array(count + 2);
    for (let seq = 1, at = 0, offset = 0; seq <= count; seq++) {
      this.at[seq] = at += events.at[seq - 1];
      this.offset[seq] = offset;
      offset += events.shapes[events.shape[seq - 1]].length / 2;
    }
    this.at[count + 1] = this.at[count];
    this.node = column(Uint8Array, events.node);
    this.group = column(Uint8Array, events.group);
    this.task = column(Uint32Array, events.task);
    this.wordsOf = column(Uint32Array, events.words);
    this.kindOf = column(Uint16Array, events.kind);

    const texted = texts(packed);
    this.messages = { ...packed.messages, kind: texted(packed.messages.kind), lost: texted(packed.messages.lost) };
    this.calls = { ...packed.calls, do: texted(packed.calls.do), outcome: texted(packed.calls.outcome) };
    this.bars = { ...packed.bars, kind: texted(packed.bars.kind), name: texted(packed.bars.name), outcome: texted(packed.bars.outcome) };
    this.commits = { ...packed.commits, words: texted(packed.commits.words) };
    // The last events before the arrivals of messages.
    this.messages.before = Int32Array.from(packed.messages.arrives, (t) => this.upTo(t));
    this.takeChanges(packed.changes);
  }

  // said returns the texts of events in lower case, by their numbers.
  get said() {
    if (!this.lower) {
      this.lower = [];
      for (const of of [this.wordsOf, this.kindOf]) {
        for (let seq = 1; seq <= this.count; seq++) this.lower[of[seq]] ??= this.packed.texts[of[seq]].toLowerCase();
      }
    }
    return this.lower;
  }

  takeChanges({ seq, part, value }) {
    this.changeSeq = seq;
    this.changeValue = value;
    this.changePart = part;
    const byPart = new Map();
    for (let i = 0; i < seq.length; i++) {
      let of = byPart.get(part[i]);
      if (!of) byPart.set(part[i], (of = { name: this.packed.texts[part[i]], at: [], changes: [] }));
      of.at.push(seq[i]);
      of.changes.push(i);
    }
    this.parts = [...byPart.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  words(seq) { return this.packed.texts[this.wordsOf[seq]]; }
  kind(seq) { return this.packed.texts[this.kindOf[seq]]; }
  laneName(seq) { return this.node[seq] ? this.lanes[this.node[seq] - 1].name : ""; }
  incarnation(seq) { return this.packed.events.inc[seq - 1]; }

  // fields returns the fields of an event, as keys and texts.
  fields(seq) {
    const { shape, shapes, values } = this.packed.events;
    const keys = shapes[shape[seq - 1]], all = [];
    for (let i = 0; i < keys.length; i += 2) {
      const value = values[this.offset[seq] + i / 2];
      all.push([this.packed.texts[keys[i]], keys[i + 1] ? this.packed.texts[value] : String(value)]);
    }
    return all;
  }

  // state returns every part of the state after an event, by its path, in order.
  state(seq) {
    const state = new Map();
    for (const part of this.parts) {
      const i = lastUpTo(part.at, seq);
      if (i < 0) continue;
      const value = this.packed.texts[this.changeValue[part.changes[i]]];
      if (value !== "") state.set(part.name, value);
    }
    return state;
  }

  // changed returns the parts that differ after one event from what they were after an
  // earlier one, as paths with what they were.
  changed(before, seq) {
    const first = lastUpTo(this.changeSeq, before) + 1, last = lastUpTo(this.changeSeq, seq);
    const was = new Map();
    for (let i = first; i <= last; i++) {
      const name = this.packed.texts[this.changePart[i]];
      if (!was.has(name)) was.set(name, this.valueAt(this.changePart[i], before));
    }
    for (const [name, value] of was) {
      if (this.valueOf(name, seq) === value) was.delete(name);
    }
    return was;
  }

  valueAt(part, seq) { return this.valueOf(this.packed.texts[part], seq); }

  valueOf(name, seq) {
    const of = this.byName ??= new Map(this.parts.map((p) => [p.name, p]));
    const part = of.get(name), i = part ? lastUpTo(part.at, seq) : -1;
    return i < 0 ? "" : this.packed.texts[this.changeValue[part.changes[i]]];
  }

  // upTo returns the last event that is not later than a time.
  upTo(time) { return Math.max(0, lastUpTo(this.at, time, 0, this.count + 1)); }
}
