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
import { Session } from "./session.js";

await guarded($("recording-problem"), async () => {
  const about = await look("/api/about");
  const { name, digest } = about.model;
  $("about").textContent = `Version ${about.salm}, model ${name} (${digest}). Recordings go to this server and nowhere else.`;
  const session = new Session(about.limits);
  const studio = new Studio();
  const listening = new Listening(session, studio);
  const open = startRecording(session);
  startLocating(session, listening);
  startRanking(session);
  startEditing(session, listening, open);
  startScanning(session, listening);
  startSearching(session, studio, listening, about, open);
  document.documentElement.dataset.ready = "";
});
