"use strict";
// One recording plays at a time; every button of a recording follows it.
const buttons = [...document.querySelectorAll("button.play")];
const soundOf = (button) => document.getElementById(button.dataset.sound);
const follow = (sound) => {
  for (const button of buttons.filter((other) => soundOf(other) === sound)) {
    button.setAttribute("aria-pressed", String(!sound.paused));
    const share = sound.duration && !sound.ended ? sound.currentTime / sound.duration : 0;
    button.style.setProperty("--played", `${(100 * share).toFixed(1)}%`);
  }
};
for (const sound of document.querySelectorAll("audio")) {
  for (const event of ["play", "pause", "timeupdate", "ended"]) {
    sound.addEventListener(event, () => follow(sound));
  }
}
for (const button of buttons) {
  button.addEventListener("click", () => {
    const sound = soundOf(button);
    for (const other of document.querySelectorAll("audio")) {
      if (other !== sound) other.pause();
    }
    if (sound.paused) sound.play();
    else sound.pause();
  });
}
