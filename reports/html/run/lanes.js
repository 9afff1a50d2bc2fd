// The rows of the diagram: the log at the top, below it a lane for each node.

const logHeight = 66;
const gutter = 92;

export class Rows {
  constructor(model, width, height) {
    this.left = gutter;
    this.right = width - 10;
    this.log = { top: 0, box: 26, y: 36, bottom: logHeight };
    const count = model.lanes.length, room = height - logHeight - 6;
    this.laneHeight = count ? Math.min(190, room / count) : 0;
    this.bottom = count ? logHeight + this.laneHeight * count : height;
    // A narrow lane has no room for text.
    this.wordy = this.laneHeight >= 56;
    const part = Math.min(1.25, this.laneHeight / 96);
    this.lane = (n) => {
      const top = logHeight + this.laneHeight * (n - 1), life = top + this.laneHeight * 0.44;
      return { top, life, bottom: top + this.laneHeight, calls: life - 24 * part, callbacks: life + 12 * part, work: life + 32 * part };
    };
  }

  // y returns the height of the events of a lane; those of no node are with the log.
  y(lane) { return lane ? this.lane(lane).life : this.log.y + 20; }

  // laneAt returns the lane at a height, 0 for the log.
  laneAt(y) {
    if (y < logHeight || !this.laneHeight) return 0;
    return Math.min(Math.floor((y - logHeight) / this.laneHeight) + 1, Math.round((this.bottom - logHeight) / this.laneHeight));
  }
}
