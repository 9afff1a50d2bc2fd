// An index of spans by position: finds those in view without visiting all.

export class Spans {
  // Froms and untils are arrays of numbers; they need not be sorted.
  constructor(froms, untils) {
    const count = froms.length;
    this.order = new Uint32Array(count);
    let sorted = true;
    for (let i = 0; i < count; i++) {
      this.order[i] = i;
      sorted &&= i === 0 || froms[i - 1] <= froms[i];
    }
    if (!sorted) this.order.sort((a, b) => froms[a] - froms[b]);
    this.from = new Float64Array(count);
    // Reach is the furthest end of all spans up to one, so it ascends.
    this.reach = new Float64Array(count);
    this.until = untils;
    let reach = -Infinity;
    for (let i = 0; i < count; i++) {
      this.from[i] = froms[this.order[i]];
      reach = Math.max(reach, untils[this.order[i]]);
      this.reach[i] = reach;
    }
  }

  // within calls back with every span that overlaps an interval, in the order of their
  // beginnings.
  within(start, end, back) {
    let low = 0, high = this.reach.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.reach[middle] < start) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.from.length && this.from[i] <= end; i++) {
      const span = this.order[i];
      if (this.until[span] >= start) back(span);
    }
  }

  // countWithin returns how many begin in an interval, an estimate of how many are in
  // view.
  countWithin(start, end) {
    const upTo = (limit) => {
      let low = 0, high = this.from.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.from[middle] <= limit) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    return upTo(end) - upTo(start);
  }
}
