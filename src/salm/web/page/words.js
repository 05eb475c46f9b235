// Numbers as people read them.

const MINUS = "\u2212";

export const SECTORS = ["front", "front left", "left", "back left", "back", "back right", "right", "front right"];

/** "+45°", "−90°", "180°": what is behind is never −180°, and nothing is −0°. */
export function degrees(value) {
  const whole = Math.round(value);
  if (Math.abs(whole) === 180) return "180°";
  if (whole === 0) return "0°";
  return `${whole > 0 ? "+" : MINUS}${Math.abs(whole)}°`;
}

/** "1:05.3" */
export function clock(seconds) {
  const tenths = Math.max(0, Math.round(10 * seconds));
  const rest = tenths % 600;
  return `${Math.floor(tenths / 600)}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}

/** "0:05.0–0:07.5", which is not broken over two lines. */
export const span = (start, end) => `${clock(start)}\u2060–\u2060${clock(end)}`;

/** "−0.16" */
export const decimal = (value) => value.toFixed(2).replace("-", MINUS);

/** "97 %"; what is not quite certain is not called 100 %. */
export function percent(share) {
  if (share < 1 && share > 0.995) return "over 99\u00a0%";
  return `${Math.round(100 * share)}\u00a0%`;
}

export const sector = (azimuthDeg) => SECTORS[(Math.floor((azimuthDeg + 22.5) / 45) + 8) % 8];

/** "front left, above" */
export function spoken({ azimuth_deg: azimuthDeg, elevation_deg: elevationDeg }) {
  const height = elevationDeg ?? 0;
  const band = height >= 20 ? ", above" : height <= -20 ? ", below" : "";
  return `${sector(azimuthDeg)}${band}`;
}

/** Everything that is known of a place, in one line. */
export function placed(place) {
  if (place.azimuth_deg === null) return `no direction: ${place.reason ?? "nothing is known"}`;
  const height = place.elevation_deg === null ? "" : `, elevation ${degrees(place.elevation_deg)}`;
  const cone = place.cone_deg == null ? "" : `, within ±${Math.round(place.cone_deg)}°`;
  const doubt = place.reason ? ` (${place.reason})` : "";
  return `${spoken(place)}: azimuth ${degrees(place.azimuth_deg)}${height}${cone}, confidence ${percent(place.confidence)}${doubt}`;
}

/** "30° to the left", for a head. */
export function turned(degreesLeft) {
  if (degreesLeft === 0) return "straight ahead";
  if (Math.abs(degreesLeft) === 180) return "to the back";
  return `${Math.abs(degreesLeft)}° to the ${degreesLeft > 0 ? "left" : "right"}`;
}

export function raised(degreesUp) {
  if (degreesUp === 0) return "level";
  return `${Math.abs(degreesUp)}° ${degreesUp > 0 ? "up" : "down"}`;
}
