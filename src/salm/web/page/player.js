// Playing AmbiX buffers through one pair of ears.

import { look } from "./api.js";
import { Ears, glide } from "./ears.js";

/** The one sound card of the page; it wakes up when something is played for the first time. */
export class Studio {
  #ready = null;
  #head = [0, 0];
  #volume = 1;

  /** Resolves when sound can be played. Must be called from a click or a key at first. */
  async ready() {
    this.#ready ??= this.#wake().catch((error) => {
      this.#ready = null;
      throw error;
    });
    await this.#ready;
    await this.context.resume();
  }

  turn(turnDeg, lookDeg) {
    this.#head = [turnDeg, lookDeg];
    this.ears?.turn(turnDeg, lookDeg);
  }

  set volume(value) {
    this.#volume = value;
    if (this.ears) glide(this.context, this.ears.output.gain, value);
  }

  async #wake() {
    this.context ??= new AudioContext();
    const head = await look(`/api/head?rate_hz=${this.context.sampleRate}`);
    this.ears = new Ears(this.context, head);
    this.ears.output.connect(this.context.destination);
    this.turn(...this.#head);
    this.volume = this.#volume;
  }
}

/** Tracks that run side by side, of which one is heard: changing it keeps the position in time. */
export class Player extends EventTarget {
  #studio;
  #tracks = new Map();
  #heard = null;
  #running = null;
  #position = 0;

  constructor(studio) {
    super();
    this.#studio = studio;
  }

  get isPlaying() {
    return this.#running !== null;
  }

  get duration() {
    return Math.max(0, ...[...this.#tracks.values()].map((buffer) => buffer.duration));
  }

  get position() {
    if (!this.isPlaying) return this.#position;
    return Math.min(this.#studio.context.currentTime - this.#running.origin, this.duration);
  }

  get heard() {
    return this.#heard;
  }

  /** Put a track in, or with null take it out; the first one is heard. */
  setTrack(name, buffer) {
    const position = this.position;
    const wasPlaying = this.isPlaying;
    this.pause();
    if (buffer === null) this.#tracks.delete(name);
    else this.#tracks.set(name, buffer);
    if (!this.#tracks.has(this.#heard)) this.#heard = this.#tracks.keys().next().value ?? null;
    this.#position = Math.min(position, this.duration);
    if (wasPlaying && this.#tracks.size) this.#start();
    this.#tell();
  }

  clear() {
    this.pause();
    this.#tracks.clear();
    this.#heard = null;
    this.#position = 0;
    this.#tell();
  }

  select(name) {
    this.#heard = name;
    for (const [track, gain] of this.#running?.gains ?? []) {
      glide(this.#studio.context, gain.gain, track === name ? 1 : 0);
    }
    this.#tell();
  }

  async play() {
    if (this.isPlaying || !this.#tracks.size) return;
    await this.#studio.ready();
    if (this.isPlaying) return;
    if (this.#position >= this.duration - 0.01) this.#position = 0;
    this.#start();
    this.#tell();
  }

  pause() {
    if (!this.isPlaying) return;
    this.#position = this.position;
    const { sources } = this.#running;
    this.#running = null;
    for (const source of sources) source.stop();
    this.#tell();
  }

  seek(seconds) {
    const wasPlaying = this.isPlaying;
    this.pause();
    this.#position = Math.max(0, Math.min(seconds, this.duration));
    if (wasPlaying) this.#start();
    this.#tell();
  }

  #start() {
    const { context, ears } = this.#studio;
    const run = { origin: context.currentTime - this.#position, sources: [], gains: new Map() };
    for (const [name, buffer] of this.#tracks) {
      const source = new AudioBufferSourceNode(context, { buffer });
      const gain = new GainNode(context, { gain: name === this.#heard ? 1 : 0, channelInterpretation: "discrete" });
      source.connect(gain).connect(ears.input);
      source.start(0, this.#position);
      run.sources.push(source);
      run.gains.set(name, gain);
    }
    run.sources[0].addEventListener("ended", () => {
      if (this.#running !== run) return;
      this.#running = null;
      this.#position = 0;
      this.#tell();
    });
    this.#running = run;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
