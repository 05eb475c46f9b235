// The timeline of a long recording, as a job on the server.

import { ask, look, Refused } from "./api.js";
import { table } from "./asking.js";
import { $, element, guarded, onSubmit } from "./dom.js";
import { clock, degrees, percent, span, spoken } from "./words.js";

const ASK_EVERY_MS = 400;
const FILES = { dcase: "DCASE rows", audacity: "Audacity labels", reaper: "Reaper regions", json: "JSON" };

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
    $("scanned").replaceChildren();
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
    if (job.state === "done" && file === take.file) tell(job, text, listening);
  });
}

/** How far it is changes all the time and is only shown; that it runs, and how it ended, is also announced. */
function show(job, running) {
  // A button that goes while it has the focus would leave the keyboard at the top of the page.
  if (!running && document.activeElement === $("scan-cancel")) document.querySelector("#scan [type=submit]").focus();
  $("scan-cancel").hidden = $("scan-progress").hidden = !running;
  $("scan-progress").value = job.total_s ? job.done_s / job.total_s : 0;
  $("scan-far").textContent = running && job.total_s ? `${clock(job.done_s)} of ${clock(job.total_s)}` : "";
  const says = running ? (job.total_s ? "Scanning …" : "Waiting …") : ended(job);
  if ($("scan-says").textContent !== says) $("scan-says").textContent = says;
}

function ended(job) {
  if (job.state === "cancelled") return "Cancelled.";
  if (job.state !== "done") return "";
  const count = job.result.events.length;
  return `Done: ${count} ${count === 1 ? "event" : "events"}.`;
}

function tell({ id, result: { events } }, text, listening) {
  listening.showPlaces(events.map((event) => ({ ...event, start_s: event.onset_s, end_s: event.offset_s, reason: null })));
  if (!events.length) {
    $("scanned").replaceChildren(element("p", {}, "Nothing was heard."));
    return;
  }
  const links = Object.entries(FILES).map(([form, name]) =>
    element("a", { href: `/api/scan/${encodeURIComponent(id)}/${form}`, download: "" }, name),
  );
  const rows = events.map((event) => [
    span(event.onset_s, event.offset_s),
    ...(text.length ? [event.name ? `${event.name} (${percent(event.fits[0].share)})` : "–"] : []),
    event.azimuth_deg === null ? "no direction" : `${spoken(event)} (${degrees(event.azimuth_deg)})`,
    percent(event.confidence),
  ]);
  const head = ["time", ...(text.length ? ["most likely"] : []), "where", "confidence"];
  $("scanned").replaceChildren(
    table("What is heard when", head, rows),
    element("p", { class: "row" }, element("span", { class: "soft" }, "Save as"), ...links),
  );
}
