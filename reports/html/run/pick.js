// Which events are shown.

// around is how many events next to a violation are shown with it.
const around = 14;

// near returns for each event whether it belongs to the first violation or to later ones of its
// property: the events that explain them, and those next to their last facts.
export function near(model) {
  const set = new Uint8Array(model.count + 2);
  const wanted = pickGroups(model, { groups: model.groups.map((g) => g.shown) });
  for (const v of model.violations.filter((v) => v.property === model.violations[0].property)) {
    for (const seq of v.explain) set[seq] = 1;
    for (const seq of v.events) set[seq] = 1;
    for (const a of v.absent) set[a.came] = 1;
    const last = v.events.at(-1) ?? model.count;
    for (const step of [-1, 1]) {
      for (let seq = last + step, left = around; seq > 0 && seq <= model.count && left > 0; seq += step) {
        if (wanted[seq]) { set[seq] = 1; left--; }
      }
    }
  }
  set[0] = 0;
  return set;
}

function pickGroups(model, { groups }) {
  const set = new Uint8Array(model.count + 2);
  for (let seq = 1; seq <= model.count; seq++) set[seq] = groups[model.group[seq]] ? 1 : 0;
  return set;
}

// pick returns the events that a filter lets through, in order, and how many of those between
// each and the one before are folded: they pass the filter and are no part of the detail. A
// filter has
//
//	detail    "near" the violation, "decisive", or "all"
//	groups    by number, whether it is shown
//	hidden    the lanes that are not, by number from 1
//	task      the number of the only task, 0 for all
//	find      what the texts of an event must contain
//	unfolded  ranges [from, until] that are shown in every detail
export function pick(model, filter, nearby) {
  const { count, group, node, task } = model;
  const found = filter.find ? finder(model.said, filter.find) : null;
  const hidden = new Uint8Array(model.lanes.length + 1);
  for (const lane of filter.hidden) hidden[lane] = 1;
  const decides = model.groups.map((g) => (g.decisive ? 1 : 0));
  const always = model.groups.map((g) => g.name === "lives" || g.name === "faults");
  const shown = [], folded = [];
  let fold = 0;
  for (let seq = 1; seq <= count; seq++) {
    const g = group[seq];
    if (!filter.groups[g] || hidden[node[seq]]) continue;
    if (filter.task && task[seq] !== filter.task && !always[g]) continue;
    if (found && !found[model.wordsOf[seq]] && !found[model.kindOf[seq]]) continue;
    const detailed = filter.detail === "all" || (filter.detail === "near" ? nearby[seq] : decides[g]);
    if (!detailed && !filter.unfolded.some(([from, until]) => seq >= from && seq <= until)) {
      fold++;
      continue;
    }
    shown.push(seq);
    folded.push(fold);
    fold = 0;
  }
  return { shown: Int32Array.from(shown), folded: Int32Array.from(folded), rest: fold };
}

function finder(said, words) {
  const wanted = words.toLowerCase();
  return Uint8Array.from(said, (t) => (t?.includes(wanted) ? 1 : 0));
}
