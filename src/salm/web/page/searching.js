// Searching the libraries that the server was started with, and hearing what was found.

import { ask, fetchSound, Refused } from "./api.js";
import { $, element, guarded, onSubmit } from "./dom.js";
import { Player } from "./player.js";
import { decodeWav, toBuffer } from "./wav.js";
import { decimal, degrees, percent, span, spoken } from "./words.js";

export function startSearching(take, studio, listening, about, open) {
  const { libraries, facings } = about;
  $("search").hidden = !libraries.length;
  $("no-library").hidden = libraries.length > 0;
  $("search-library").append(...libraries.map((name) => element("option", {}, name)));
  $("search-facing").append(...facings.map((name) => element("option", {}, name)));
  take.addEventListener("opened", () => ($("search-like-field").hidden = false));
  const audition = new Audition(studio, listening.player);
  onSubmit($("search"), async (form) => {
    const like = form.has("like");
    const text = form.get("text").trim();
    if (!text && !like) throw new Refused("Say what to find, where, or both, such as “dog from the left”.");
    const example = like ? take.sent : {};
    const fields = { library: form.get("library"), facing: form.get("facing"), text, limit: 10, ...example };
    const { query, hits } = await ask("/api/search", fields);
    audition.stop();
    $("found").replaceChildren(...understood(query), element("p", { class: "soft" }, counted(hits.length)));
    $("hits").replaceChildren(...hits.map((hit, index) => item(hit, index + 1, audition, open)));
    listening.mark("hits", hits.slice(0, 9).map(mark));
  });
}

/** One hit at a time can be heard; what else plays stops. */
class Audition {
  #button = null;

  constructor(studio, other) {
    this.player = new Player(studio);
    this.other = other;
    this.player.addEventListener("change", () => this.player.isPlaying || this.#release());
    other.addEventListener("change", () => other.isPlaying && this.stop());
  }

  stop() {
    this.player.pause();
    this.#release();
  }

  async toggle(button, hit) {
    const again = this.#button === button;
    this.stop();
    if (again) return;
    const wav = await fetchSound(`${hit.sound}?start_s=${hit.start_s}&end_s=${hit.end_s}`);
    this.other.pause();
    this.player.clear();
    this.player.setTrack("hit", toBuffer(decodeWav(wav)));
    await this.player.play();
    this.#button = button;
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
  }

  #release() {
    if (!this.#button) return;
    this.#button.setAttribute("aria-pressed", "false");
    this.#button.textContent = "Listen";
    this.#button = null;
  }
}

function item(hit, rank, audition, open) {
  const problem = element("p", { class: "problem", role: "alert" });
  const where = hit.azimuth_deg === null ? "no direction" : `${spoken(hit)} (${angles(hit)})`;
  const says = `${span(hit.start_s, hit.end_s)} · ${where} · confidence ${percent(hit.confidence)}`;
  const listen = element("button", { type: "button", "aria-pressed": "false", "aria-label": `Listen to hit ${rank}, ${hit.file}` }, "Listen");
  listen.addEventListener("click", () => guarded(problem, () => audition.toggle(listen, hit)));
  const use = element("button", { type: "button", "aria-label": `Open ${hit.file}` }, "Open");
  use.addEventListener("click", () => guarded(problem, async () => {
    const wav = await fetchSound(hit.sound);
    const name = hit.file.split(/[\\/]/).pop().replace(/\.[^.]*$/, ".wav");
    await open(new File([wav], name));
    $("recording").scrollIntoView();
  }));
  return element("li", {},
    element("span", { class: "rank", "aria-hidden": "true" }, String(rank)),
    element("span", { class: "what" }, hit.file, element("span", { class: "where" }, says), problem),
    element("span", { class: "fit" }, `score ${decimal(hit.score)}`),
    element("span", { class: "row" }, listen, use),
  );
}

const angles = ({ azimuth_deg: azimuth, elevation_deg: elevation }) =>
  elevation === null ? degrees(azimuth) : `${degrees(azimuth)}, elevation ${degrees(elevation)}`;

const mark = (hit, index) => ({
  ...hit,
  cone_deg: null,
  kind: "hit",
  label: String(index + 1),
  title: `hit ${index + 1}: ${hit.azimuth_deg === null ? "no direction" : spoken(hit)}`,
});

/** How the words were understood, so that nobody has to guess. */
function understood(query) {
  if (!query) return [];
  const parts = query.understood
    ? [["understood", query.understood]]
    : [["what", query.what], ["where", query.sector], ["height", query.elevation]];
  const chips = parts.filter(([, value]) => value).map(([name, value]) => element("li", {}, `${name}: ${value}`));
  return [element("ul", { class: "chips", "aria-label": "How the words were understood" }, ...chips)];
}

const counted = (count) => (count === 0 ? "Nothing found." : count === 1 ? "One hit." : `${count} hits, best first.`);
