// The picture of a recording over time: its waveform, from where its sound comes, and what the model located.

const MARGIN = 64;

/** Canvas pictures do not follow style sheets by themselves. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Timeline {
  #buffer = null;
  #map = null;
  #places = [];

  constructor(wave, map) {
    this.wave = wave;
    this.map = map;
    new ResizeObserver(() => this.draw()).observe(wave.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show({ buffer, map, places }) {
    if (buffer !== undefined) this.#buffer = buffer;
    if (map !== undefined) this.#map = map;
    if (places !== undefined) this.#places = places;
    this.draw();
  }

  draw() {
    if (this.#buffer === null) return;
    this.#drawWave();
    this.#drawMap();
  }

  /** Seconds at a place on the page, for pointers. */
  timeAt(clientX) {
    const box = this.map.getBoundingClientRect();
    const share = (clientX - box.left - MARGIN) / (box.width - MARGIN);
    return Math.max(0, Math.min(1, share)) * (this.#buffer?.duration ?? 0);
  }

  /** Where a time is, in pixels from the left edge of the pictures. */
  xOf(seconds) {
    const width = this.map.getBoundingClientRect().width - MARGIN;
    return MARGIN + (width * seconds) / (this.#buffer?.duration || 1);
  }

  #drawWave() {
    const { pen, width, height } = sheet(this.wave);
    const columns = Math.max(1, Math.floor(width - MARGIN));
    const samples = this.#buffer.getChannelData(0);
    const peaks = peaksOf(samples, columns);
    const loudest = Math.max(1e-9, ...peaks);
    label(pen, "level", height / 2);
    pen.fillStyle = colour("--soft");
    peaks.forEach((peak, column) => {
      const tall = Math.max(1, (peak / loudest) * (height - 4));
      pen.fillRect(MARGIN + column, (height - tall) / 2, 1, tall);
    });
  }

  #drawMap() {
    const { pen, width, height } = sheet(this.map);
    const yOf = (azimuthDeg) => ((180 - azimuthDeg) / 360) * height;
    if (this.#map) this.#drawCells(pen, width - MARGIN, height);
    for (const [word, azimuthDeg] of [["left", 90], ["front", 0], ["right", -90]]) {
      label(pen, word, yOf(azimuthDeg));
      pen.fillStyle = colour("--rule");
      pen.fillRect(MARGIN, yOf(azimuthDeg), width - MARGIN, 1);
    }
    label(pen, "back", 8);
    label(pen, "back", height - 8);
    for (const place of this.#places) this.#drawPlace(pen, place, yOf, height);
  }

  #drawCells(pen, width, height) {
    const { step_s: step, azimuths_deg: azimuths, level_db: levels } = this.#map;
    const tall = height / azimuths.length;
    const wide = (width * step * levels.length) / this.#buffer.duration;
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN, 0, width, height);
    pen.clip();
    pen.imageSmoothingEnabled = false;
    // The first row is centred on 180 degrees, which is both edges.
    const picture = cells(this.#map);
    for (const top of [-tall / 2, height - tall / 2]) pen.drawImage(picture, MARGIN, top, wide, height);
    pen.restore();
  }

  #drawPlace(pen, place, yOf, height) {
    if (place.azimuth_deg === null) return;
    const [left, right] = [this.xOf(place.start_s), this.xOf(place.end_s)];
    const y = yOf(place.azimuth_deg);
    const cone = Math.min(place.cone_deg ?? 0, 90);
    pen.fillStyle = colour("--salm-accent");
    pen.globalAlpha = 0.2;
    for (const shift of [-height, 0, height]) {
      const top = yOf(place.azimuth_deg + cone) + shift;
      pen.fillRect(left, top, right - left, yOf(place.azimuth_deg - cone) - yOf(place.azimuth_deg + cone));
    }
    pen.globalAlpha = 1;
    pen.fillRect(left, y - 1.5, right - left - 2, 3);
  }
}

/** One pixel a cell, the stronger the louder. */
function cells({ floor_db: floor, level_db: levels }) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [levels.length, levels[0].length];
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour("--ink");
  levels.forEach((column, x) =>
    column.forEach((level, y) => {
      pen.globalAlpha = 0.8 * (1 - level / floor) ** 2;
      pen.fillRect(x, y, 1, 1);
    }),
  );
  return canvas;
}

/** Largest absolute sample of every column. */
export function peaksOf(samples, columns) {
  return Array.from({ length: columns }, (_, column) => {
    const stop = Math.ceil(((column + 1) * samples.length) / columns);
    let peak = 0;
    for (let at = Math.floor((column * samples.length) / columns); at < stop; at++) {
      peak = Math.max(peak, Math.abs(samples[at]));
    }
    return peak;
  });
}

/** A canvas at the resolution of the screen, wiped. */
function sheet(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return { pen, width, height };
}

function label(pen, word, y) {
  pen.fillStyle = colour("--soft");
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText(word, MARGIN - 10, y);
}
