// Opening a recording: dropped, or chosen.

import { $, element, guarded } from "./dom.js";

const LAYOUTS = { foa: "Ambisonics", stereo: "stereo", mono: "mono" };

/** Returns what opens a file that came from the server, which is AmbiX whatever was chosen before. */
export function startRecording(take) {
  const chosen = $("file");
  const open = (file) => guarded($("recording-problem"), () => opened(take, file));
  chosen.addEventListener("change", () => chosen.files.length && open(chosen.files[0]));
  $("layout").addEventListener("change", () => take.file && open(take.file));
  const { max_mb: megabytes, max_s: seconds } = take.limits;
  const length = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 6) / 10} minutes`;
  $("takes").append(` Up to ${megabytes} MB and ${length}.`);
  acceptDrops(open);
  take.addEventListener("opened", () => tell(take));
  return (file) => {
    $("layout").value = "";
    return open(file);
  };
}

async function opened(take, file) {
  const before = $("facts").textContent;
  $("facts").textContent = `Reading ${file.name} …`;
  try {
    await take.open(file, $("layout").value);
  } catch (error) {
    $("facts").textContent = before;
    throw error;
  }
}

function tell({ heard }) {
  const kilohertz = (heard.rate_hz / 1000).toLocaleString("en", { maximumFractionDigits: 2 });
  const parts = [heard.file, `${heard.duration_s.toFixed(1)} s`, `${kilohertz} kHz`, LAYOUTS[heard.layout]];
  $("facts").textContent = parts.join(" · ");
  // What is an option of the commands is a choice on this page.
  const notes = heard.notes.map((note) => note.replace("--format", "“Channels”"));
  if (heard.ambiguity === "front-back") notes.push("Two channels cannot tell front from back, nor above from below.");
  if (heard.ambiguity === "all") notes.push("One channel cannot tell where a sound comes from.");
  $("notes").replaceChildren(...notes.map((note) => element("li", {}, note)));
}

/** The whole page takes files: nobody should have to aim, or lose the page to a file that missed. */
function acceptDrops(open) {
  const hover = (on) => $("drop").classList.toggle("over", on);
  let depth = 0;
  document.addEventListener("dragenter", () => hover(++depth > 0));
  document.addEventListener("dragleave", () => hover(--depth > 0));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    hover(Boolean((depth = 0)));
    const [file] = event.dataTransfer.files;
    if (file) open(file);
  });
}
