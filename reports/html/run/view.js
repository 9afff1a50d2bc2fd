// The visible part of the axis: an interval that can be zoomed and panned.

const closest = 3; // units of the axis that are visible at least

export class View {
  constructor() {
    this.start = 0;
    this.end = 1;
    this.limit = 1;
  }

  // to shows an interval, kept inside of the axis.
  to(start, end) {
    const size = Math.min(Math.max(end - start, Math.min(closest, this.limit)), this.limit);
    const middle = (start + end) / 2;
    this.start = Math.min(Math.max(0, middle - size / 2), this.limit - size);
    this.end = this.start + size;
  }

  // resize sets the width of the axis.
  resize(limit) { this.limit = Math.max(limit, 1e-9); }

  all() { this.to(0, this.limit); }

  // zoom shows more or less around a fixed point.
  zoom(factor, at) {
    const size = Math.min(Math.max((this.end - this.start) * factor, Math.min(closest, this.limit)), this.limit), share = (at - this.start) / (this.end - this.start);
    this.to(at - share * size, at + (1 - share) * size);
  }

  pan(by) { this.to(this.start + by, this.end + by); }

  // reveal pans as little as it takes for a point to be visible with some room.
  reveal(at) {
    const size = this.end - this.start, room = size * 0.08;
    if (at < this.start + room) this.pan(at - this.start - room);
    else if (at > this.end - room) this.pan(at - this.end + room);
  }
}
