// Hearing the recording while turning the head, and seeing it over time and around.

import { $, element, guarded } from "./dom.js";
import { Plan } from "./plan.js";
import { Player } from "./player.js";
import { Timeline } from "./timeline.js";
import { clock, placed, raised, spoken, turned } from "./words.js";

const LEGEND = { model: "located", now: "at this moment", before: "before the edit", after: "after it", hit: "hits of the search" };

/** What the other parts of the page may show and play. */
export class Listening {
  #marks = { places: [], now: [], edit: [], hits: [] };
  #places = [];
  #turn = 0;

  constructor(take, studio) {
    this.take = take;
    this.studio = studio;
    this.player = new Player(studio);
    this.plan = new Plan($("plan"));
    this.timeline = new Timeline($("wave"), $("map"));
    this.#startTransport();
    this.#startHead();
    take.addEventListener("opened", () => this.#opened());
  }

  /** Directions on the plan; groups are places, edit and hits. */
  mark(group, marks) {
    this.#marks[group] = marks;
    const all = Object.values(this.#marks).flat();
    this.plan.show(all, all.map((mark) => mark.title).join("; "));
    const kinds = Object.keys(LEGEND).filter((kind) => all.some((mark) => mark.kind === kind));
    $("legend").replaceChildren(...kinds.map((kind) => element("li", { class: kind }, LEGEND[kind])));
  }

  /** What was located over time. */
  showPlaces(places) {
    this.#places = places;
    this.timeline.show({ places });
    this.#follow();
  }

  /** The edit beside the original; null takes it away. */
  showEdited(buffer) {
    this.player.setTrack("edited", buffer);
    $("versions").hidden = buffer === null;
    this.#hear(buffer === null ? "original" : "edited");
  }

  #opened() {
    const { buffer, heard } = this.take;
    this.player.clear();
    this.player.setTrack("original", buffer);
    this.showEdited(null);
    $("listen").hidden = $("work").hidden = false;
    this.mark("places", []);
    this.mark("edit", []);
    this.timeline.show({ buffer, map: heard.map, places: [] });
    this.showPlaces([]);
    $("map-says").textContent = heard.map
      ? "The stronger, the more sound comes from there, by intensity, without learning. Click to go to a time."
      : "This recording has no directions to draw.";
    $("position").max = buffer.duration;
    this.#tell();
  }

  #startTransport() {
    const { player } = this;
    const toggle = () => (player.isPlaying ? player.pause() : player.play());
    $("play").addEventListener("click", () => guarded($("recording-problem"), toggle));
    $("position").addEventListener("input", (event) => player.seek(Number(event.target.value)));
    const seek = (event) => event.buttons === 1 && player.seek(this.timeline.timeAt(event.clientX));
    $("pictures").addEventListener("pointerdown", seek);
    $("pictures").addEventListener("pointermove", seek);
    $("volume").addEventListener("input", ({ target }) => {
      this.studio.volume = 10 ** (target.value / 20);
      target.setAttribute("aria-valuetext", `${target.value} decibels`);
    });
    $("versions").addEventListener("change", (event) => this.#hear(event.target.value));
    player.addEventListener("change", () => this.#tell());
    new ResizeObserver(() => this.#follow()).observe($("pictures"));
  }

  #startHead() {
    const update = () => {
      // To the right on the slider is to the right of the listener: angles grow to the left.
      this.#turn = -Number($("turn").value);
      const look = Number($("look").value);
      this.studio.turn(this.#turn, look);
      this.plan.turn(this.#turn);
      for (const [id, words] of [["turn", turned(this.#turn)], ["look", raised(look)]]) {
        $(id).setAttribute("aria-valuetext", words);
        $(`${id}-says`).textContent = words;
      }
    };
    const face = (turnDeg, lookDeg) => {
      $("turn").value = -turnDeg;
      $("look").value = lookDeg;
      update();
    };
    $("turn").addEventListener("input", update);
    $("look").addEventListener("input", update);
    $("ahead").addEventListener("click", () => face(0, 0));
    this.plan.addEventListener("turn", ({ detail }) => face(detail, Number($("look").value)));
  }

  #hear(version) {
    this.player.select(version);
    document.querySelector(`[name=version][value=${version}]`).checked = true;
  }

  #tell() {
    const { isPlaying } = this.player;
    $("play").textContent = isPlaying ? "Pause" : "Play";
    $("play").setAttribute("aria-pressed", isPlaying);
    this.#follow();
    if (isPlaying) requestAnimationFrame(() => this.player.isPlaying && this.#tell());
  }

  #follow() {
    const { position, duration } = this.player;
    $("position").value = position;
    $("position").setAttribute("aria-valuetext", `${clock(position)} of ${clock(duration)}`);
    $("clock").textContent = `${clock(position)} / ${clock(duration)}`;
    $("playhead").style.left = `${this.timeline.xOf(position)}px`;
    const place = this.#places.find((one) => one.start_s <= position && position < one.end_s);
    const text = place ? `At this moment ${placed(place)}.` : "";
    if ($("now").textContent === text) return;
    $("now").textContent = text;
    const known = place && place.azimuth_deg !== null;
    this.mark("now", known ? [{ ...place, kind: "now", title: `at this moment: ${spoken(place)}` }] : []);
  }
}
