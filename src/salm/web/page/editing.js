// Moving sound by a sentence: the result beside the original, at the same position in time.

import { ask, fetchSound, Refused } from "./api.js";
import { $, element, onSubmit } from "./dom.js";
import { decodeWav, toBuffer } from "./wav.js";
import { spoken } from "./words.js";

const EXAMPLES = [
  "move it to the left",
  "turn it 90 degrees clockwise",
  "raise it by 20 degrees",
  "swap left and right",
  "make the left louder by 6 dB",
];

export function startEditing(take, listening, open) {
  const output = $("edited");
  const discard = () => {
    $("edited-says").textContent = "";
    output.replaceChildren();
    listening.mark("edit", []);
  };
  take.addEventListener("opened", discard);
  $("edit-examples").append(
    ...EXAMPLES.map((text) => element("button", { type: "button", class: "example", click: () => propose(text) }, text)),
  );
  onSubmit($("edit"), async (form) => {
    const sentence = form.get("sentence").trim();
    if (!sentence) throw new Refused("Say what to do, such as “move it to the left”.");
    const edited = await ask("/api/edit", { ...take.sent, sentence });
    const wav = await fetchSound(edited.out);
    listening.showEdited(toBuffer(decodeWav(wav)));
    listening.mark("edit", marks(edited));
    const stem = take.file.name.replace(/\.[^.]*$/, "");
    // The button goes with the edit, and the keyboard is where the next one is asked for.
    const drop = () => {
      listening.showEdited(null);
      discard();
      $("edit-sentence").focus();
    };
    const goOn = () => open(new File([wav], `${stem} edited.wav`));
    $("edited-says").textContent = edited.description;
    output.replaceChildren(
      ...edited.notes.map((note) => element("p", { class: "soft" }, note)),
      element("p", { class: "row" },
        element("a", { href: edited.out, download: `${stem} edited.wav` }, "Download AmbiX"),
        element("a", { href: edited.binaural, download: `${stem} edited, headphones.wav` }, "Download for headphones"),
        element("button", { type: "button", click: goOn }, "Go on from here"),
        element("button", { type: "button", click: drop }, "Discard the edit"),
      ),
    );
  });
}

function propose(text) {
  $("edit-sentence").value = text;
  $("edit-sentence").focus();
}

function marks({ moved_from: start, moved_to: goal }) {
  return [["before", start], ["after", goal]]
    .filter(([, place]) => place !== null)
    .map(([kind, place]) => ({ ...place, kind, title: `${kind} the edit: ${spoken(place)}` }));
}
