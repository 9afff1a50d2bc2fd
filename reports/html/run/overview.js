import { colours } from "./paint.js";

// The whole run in a strip: density of events, faults, leaders and violations, and the part that
// the diagram shows.

export class Overview {
  constructor(canvas) {
    this.canvas = canvas;
    this.g = canvas.getContext("2d");
  }

  // paint paints the strip. What does not depend on the view is kept as a picture.
  paint(scene, view, left, current) {
    const { canvas, g } = this, scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    const colour = colours(), key = [width, height, colour.ground, scale].join();
    this.left = left;
    this.right = width - 10;
    this.axis = scene.axis;
    if (this.scene !== scene || this.key !== key) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      this.scene = scene;
      this.key = key;
      this.kept = new OffscreenCanvas(canvas.width, canvas.height);
      this.whole(this.kept.getContext("2d"), colour, height, scale);
    }
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, canvas.width, canvas.height);
    g.drawImage(this.kept, 0, 0);
    g.setTransform(scale, 0, 0, scale, 0, 0);
    const x1 = this.x(view.start), x2 = this.x(view.end);
    g.globalAlpha = 0.6;
    g.fillStyle = colour.ground;
    g.fillRect(left, 0, x1 - left, height);
    g.fillRect(x2, 0, this.right - x2, height);
    g.globalAlpha = 1;
    g.strokeStyle = colour.accent;
    g.lineWidth = 1.5;
    g.strokeRect(x1, 1, Math.max(2, x2 - x1), height - 2);
    g.fillStyle = colour.accent;
    g.fillRect(this.x(scene.axis.at[current]) - 1, 0, 2, height);
  }

  x(w) { return this.left + (w / this.axis.width) * (this.right - this.left); }

  // width returns the width of the axis at a pixel.
  at(x) { return ((x - this.left) / (this.right - this.left)) * this.axis.width; }

  whole(g, colour, height, scale) {
    const { scene, left, right } = this, { model, axis } = scene;
    g.setTransform(scale, 0, 0, scale, 0, 0);
    const columns = Math.max(1, Math.floor(right - left)), deep = new Uint32Array(columns + 1);
    let most = 1;
    for (let i = 0; i < scene.shown.length; i++) {
      const column = Math.floor((scene.shownAt[i] / axis.width) * columns);
      most = Math.max(most, ++deep[column]);
    }
    for (const f of model.faults) {
      const x1 = this.x(axis.at[f.from]), x2 = f.until ? this.x(axis.at[f.until]) : right;
      g.fillStyle = colour["warn-ground"];
      g.fillRect(x1, 0, Math.max(2, x2 - x1), height);
    }
    g.fillStyle = colour["line-strong"];
    for (let column = 0; column < columns; column++) {
      const tall = Math.ceil(Math.sqrt(deep[column] / most) * (height - 12));
      if (deep[column]) g.fillRect(left + column, height - 5 - tall, 1, tall);
    }
    for (const lane of model.lanes) {
      for (const [from, until, state] of lane.roles) {
        if (model.packed.texts[state] !== "Leader") continue;
        const x1 = this.x(axis.at[from]), x2 = until ? this.x(axis.at[until]) : right;
        g.fillStyle = colour[`c${(model.lanes.indexOf(lane) % 6) + 1}`];
        g.fillRect(x1, height - 4, Math.max(1, x2 - x1), 3);
      }
    }
    for (const v of model.violations) {
      const x = this.x(axis.at[v.events.at(-1) ?? model.count]);
      g.fillStyle = colour.bad;
      g.fillRect(x - 1, 0, 2, height);
    }
    g.font = "10px sans-serif";
    g.fillStyle = colour.soft;
    g.textBaseline = "middle";
    g.fillText("whole run", 10, height / 2);
  }
}
