// The page: its parts, put together.

import { look } from "./api.js";
import { startLocating, startRanking } from "./asking.js";
import { $, guarded } from "./dom.js";
import { startEditing } from "./editing.js";
import { Listening } from "./listening.js";
import { Studio } from "./player.js";
import { startRecording } from "./recording.js";
import { startScanning } from "./scanning.js";
import { startSearching } from "./searching.js";
import { Take } from "./take.js";

await guarded($("recording-problem"), async () => {
  const about = await look("/api/about");
  const { name, digest } = about.model;
  $("about").textContent = `Version ${about.salm}, model ${name} (${digest}). Recordings go to this server and nowhere else.`;
  const take = new Take(about.limits);
  const studio = new Studio();
  const listening = new Listening(take, studio);
  const open = startRecording(take);
  startLocating(take, listening);
  startRanking(take);
  startEditing(take, listening, open);
  startScanning(take, listening);
  startSearching(take, studio, listening, about, open);
  document.documentElement.dataset.ready = "";
});
