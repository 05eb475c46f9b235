// The timeline of a long recording, as a job on the server.

import { ask, look, Refused } from "./api.js";
import { table } from "./asking.js";
import { $, element, guarded, onSubmit } from "./dom.js";
import { clock, degrees, percent, span, spoken } from "./words.js";

const ASK_EVERY_MS = 400;
const ENDED = { done: "Done.", cancelled: "Cancelled." };

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export function startScanning(take, listening) {
  let running = null;
  const stop = () => running && look(`/api/scan/${running}`, { method: "DELETE" });
  const cancel = () => guarded(document.querySelector("#scan .problem"), stop);
  $("scan-cancel").addEventListener("click", cancel);
  take.addEventListener("opened", () => {
    cancel();
    $("scanned").replaceChildren();
    $("scan-says").textContent = "";
  });
  onSubmit($("scan"), async (form) => {
    const text = form.get("text").split("\n").map((line) => line.trim()).filter(Boolean);
    const { file } = take;
    let job = await ask("/api/scan", { ...take.sent, text });
    running = job.id;
    try {
      show(job, true);
      while (["waiting", "running"].includes(job.state)) {
        await pause(ASK_EVERY_MS);
        job = await look(`/api/scan/${job.id}`);
        show(job, true);
      }
    } finally {
      running = null;
      show(job, false);
    }
    if (job.state === "failed") throw new Refused(job.error);
    // Another recording may have been opened meanwhile.
    if (job.state === "done" && file === take.file) tell(job.result, text, listening);
  });
}

function show(job, running) {
  $("scan-cancel").hidden = $("scan-progress").hidden = !running;
  $("scan-progress").value = job.total_s ? job.done_s / job.total_s : 0;
  const progress = job.total_s ? `${clock(job.done_s)} of ${clock(job.total_s)}` : "Waiting …";
  $("scan-says").textContent = running ? progress : (ENDED[job.state] ?? "");
}

function tell({ events }, text, listening) {
  listening.showPlaces(events.map((event) => ({ ...event, start_s: event.onset_s, end_s: event.offset_s, reason: null })));
  if (!events.length) {
    $("scanned").replaceChildren(element("p", {}, "Nothing was heard."));
    return;
  }
  const rows = events.map((event) => [
    span(event.onset_s, event.offset_s),
    ...(text.length ? [event.name ? `${event.name} (${percent(event.fits[0].share)})` : "–"] : []),
    event.azimuth_deg === null ? "no direction" : `${spoken(event)} (${degrees(event.azimuth_deg)})`,
    percent(event.confidence),
  ]);
  const head = ["time", ...(text.length ? ["most likely"] : []), "where", "confidence"];
  $("scanned").replaceChildren(table("What is heard when", head, rows));
}
