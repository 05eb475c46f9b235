// The recording that is open, and where it can be heard.

import { ask, fetchSound, Refused } from "./api.js";
import { decodeWav, toBuffer } from "./wav.js";

export class Take extends EventTarget {
  #latest = 0;

  /** With the limits of the server, which are said before anything is sent. */
  constructor(limits) {
    super();
    this.limits = limits;
    this.file = null;
  }

  /** What every question about the recording sends along. */
  get sent() {
    return { file: this.file, layout: this.layout };
  }

  /**
   * Open a file: it is read, converted and pictured by the server, so that what is heard is what the model hears.
   * The event "opened" follows. Of two files that are opened in a row, the later one stays.
   */
  async open(file, layout = "") {
    const mine = ++this.#latest;
    if (file.size > this.limits.max_mb * 1e6) {
      throw new Refused(`${file.name} is larger than ${this.limits.max_mb} MB; salm serve --max-mb takes more.`);
    }
    const asked = { file, layout };
    const [heard, wav] = await Promise.all([ask("/api/hear", asked), fetchSound("/api/ambix", asked)]);
    if (mine !== this.#latest) return;
    Object.assign(this, { file, layout, heard, buffer: toBuffer(decodeWav(wav)) });
    this.dispatchEvent(new Event("opened"));
  }
}
