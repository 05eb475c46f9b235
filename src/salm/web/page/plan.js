// The plan view: the listener from above, the front up and the left on the left, as in salm's pictures.

import { svg } from "./dom.js";
import { SECTORS } from "./words.js";

const CENTRE = 150;
const RADIUS = 104;

const polar = (azimuthDeg, radius) => {
  const angle = (azimuthDeg * Math.PI) / 180;
  return [CENTRE - radius * Math.sin(angle), CENTRE - radius * Math.cos(angle)];
};

export class Plan extends EventTarget {
  #marks;
  #head;
  #shade;

  /** In an svg element. Dragging on it turns the head: the event is "turn", with the degrees to the left. */
  constructor(picture) {
    super();
    this.picture = picture;
    this.#shade = svg("g");
    this.#marks = svg("g");
    this.#head = head();
    picture.append(...frame(), this.#shade, this.#head, this.#marks);
    picture.addEventListener("pointerdown", (event) => this.#drag(event));
    picture.addEventListener("pointermove", (event) => event.buttons === 1 && this.#drag(event));
  }

  turn(turnDeg) {
    this.#head.setAttribute("transform", `rotate(${-turnDeg} ${CENTRE} ${CENTRE})`);
  }

  /**
   * Show directions: {azimuth_deg, elevation_deg, cone_deg, kind, label, title}.
   * Kinds are model, now, before, after and hit. What they are is told to screen readers too.
   */
  show(marks, description) {
    const known = marks.filter((mark) => mark.azimuth_deg !== null);
    this.#shade.replaceChildren(...known.filter((mark) => mark.cone_deg && mark.cone_deg < 90).map(cone));
    this.#marks.replaceChildren(...known.map(drawn));
    this.picture.querySelector("desc").textContent = description || "No direction is shown.";
  }

  #drag(event) {
    const box = this.picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 * CENTRE - CENTRE;
    const y = ((event.clientY - box.top) / box.height) * 2 * CENTRE - CENTRE;
    if (Math.hypot(x, y) < 8) return;
    event.preventDefault();
    const detail = Math.round((Math.atan2(-x, -y) * 180) / Math.PI);
    this.dispatchEvent(new CustomEvent("turn", { detail }));
  }
}

function frame() {
  const rings = [
    svg("circle", { cx: CENTRE, cy: CENTRE, r: RADIUS, class: "ring" }),
    svg("circle", { cx: CENTRE, cy: CENTRE, r: RADIUS / 2, class: "ring faint" }),
  ];
  const borders = SECTORS.map((_, index) => {
    const [[x1, y1], [x2, y2]] = [30, RADIUS].map((radius) => polar(45 * index + 22.5, radius));
    return svg("line", { x1, y1, x2, y2, class: "border" });
  });
  const labels = SECTORS.map((word, index) => {
    const [x, y] = polar(45 * index, RADIUS + 10);
    const across = Math.sin((Math.PI / 4) * index);
    const anchor = Math.abs(across) < 0.1 ? "middle" : across > 0 ? "end" : "start";
    return svg("text", { x, y: y + 4, "text-anchor": anchor, class: index ? "label" : "label front" }, word);
  });
  return [...rings, ...borders, ...labels];
}

function head() {
  const [c, r] = [CENTRE, 14];
  const nose = `M${c - r / 3} ${c - 0.96 * r}L${c} ${c - 1.6 * r}L${c + r / 3} ${c - 0.96 * r}`;
  const ears = [-1, 1].map((side) => svg("ellipse", { cx: c + side * 1.08 * r, cy: c, rx: 3, ry: 6 }));
  const gaze = svg("line", { x1: c, y1: c - 1.7 * r, x2: c, y2: c - RADIUS, class: "gaze" });
  return svg("g", { class: "head" }, gaze, ...ears, svg("path", { d: nose }), svg("circle", { cx: c, cy: c, r }));
}

function cone({ azimuth_deg: azimuthDeg, cone_deg: coneDeg }) {
  const width = Math.max(coneDeg, 1.5);
  const [[x1, y1], [x2, y2]] = [width, -width].map((side) => polar(azimuthDeg + side, RADIUS));
  const d = `M${CENTRE} ${CENTRE}L${x1} ${y1}A${RADIUS} ${RADIUS} 0 0 1 ${x2} ${y2}Z`;
  return svg("path", { d, class: "cone" });
}

function drawn({ azimuth_deg: azimuthDeg, elevation_deg: elevationDeg, kind, label, title }) {
  // The horizon is the rim; straight above and straight below are the middle.
  const [x, y] = polar(azimuthDeg, RADIUS * (1 - Math.abs(elevationDeg ?? 0) / 90));
  const parts = [svg("circle", { cx: x, cy: y, r: label ? 9 : 6 })];
  if (label) parts.push(svg("text", { x, y: y + 4, "text-anchor": "middle" }, label));
  return svg("g", { class: `mark ${kind}` }, svg("title", {}, title), ...parts);
}
