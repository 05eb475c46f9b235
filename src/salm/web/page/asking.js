// Where is it, and which sentence fits: questions about the open recording.

import { ask, Refused } from "./api.js";
import { $, element, onSubmit } from "./dom.js";
import { decimal, degrees, percent, placed, span, spoken } from "./words.js";

export function startLocating(take, listening) {
  take.addEventListener("opened", () => forget("located"));
  onSubmit($("locate"), async (form) => {
    const what = form.get("what").trim();
    const plain = form.has("plain");
    if (what && plain) throw new Refused("Intensity knows no words: empty the field, or let the model locate.");
    const asked = { ...take.sent, what, method: plain ? "intensity" : "model" };
    const [whole] = (await ask("/api/locate", asked)).files[0].windows;
    const windows = plain ? [whole] : (await ask("/api/locate", { ...asked, windows: true })).files[0].windows;
    const title = `located: ${spokenOrNot(whole)}`;
    listening.mark("places", [{ ...whole, kind: "model", title }]);
    listening.showPlaces(windows);
    $("located-says").textContent = `${capital(placed(whole))}.`;
    $("located").replaceChildren(...(windows.length > 1 || what ? [placesTable(windows, what)] : []));
  });
}

export function startRanking(take) {
  take.addEventListener("opened", () => forget("ranked"));
  onSubmit($("rank"), async (form) => {
    const text = form.get("text").split("\n").map((line) => line.trim()).filter(Boolean);
    if (!text.length) throw new Refused("Write one or more sentences, each on its own line.");
    const { ranking } = await ask("/api/rank", { ...take.sent, text });
    $("ranked-says").textContent = `Best fit: ${ranking[0].text}`;
    $("ranked").replaceChildren(
      table("How well each sentence fits, best first; cosine similarities", ["sentence", "fit", "what", "where"],
        ranking.map((item) => [item.text, meter(item.score), decimal(item.what), decimal(item.where)])),
    );
  });
}

/** What was said of another recording. */
function forget(id) {
  $(`${id}-says`).textContent = "";
  $(id).replaceChildren();
}

function placesTable(windows, what) {
  const rows = windows.map((place) => [
    span(place.start_s, place.end_s),
    spokenOrNot(place),
    place.azimuth_deg === null ? "–" : degrees(place.azimuth_deg),
    place.elevation_deg === null ? "–" : degrees(place.elevation_deg),
    percent(place.confidence),
    ...(what ? [decimal(place.what)] : []),
  ]);
  const head = ["time", "where", "azimuth", "elevation", "confidence", ...(what ? ["fits"] : [])];
  return table("Window by window; confidence is the chance to be within 20°", head, rows);
}

const spokenOrNot = (place) => (place.azimuth_deg === null ? "no direction" : spoken(place));

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A score as a bar and as a number. */
function meter(score) {
  const bar = element("meter", { min: 0, max: 1, value: Math.max(0, score), "aria-hidden": "true" });
  return element("span", { class: "score" }, bar, decimal(score));
}

export function table(caption, head, rows) {
  const cells = (row, tag, attributes = {}) => row.map((cell) => element(tag, attributes, cell));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...cells(head, "th", { scope: "col" }))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row, "td")))),
    ),
  );
}
