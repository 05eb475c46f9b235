// WAV files of any number of channels: browsers refuse some of those with four.

const INTEGER = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const UNKNOWN_SIZE = 0xffffffff;

/**
 * Rate and channels of a WAV or RF64 file: integers of 8, 16, 24 or 32 bits, floating point of 32 or 64.
 * Throws an Error with one line if it is none.
 */
export function decodeWav(bytes) {
  const view = new DataView(bytes);
  if (view.byteLength < 12 || !["RIFF", "RF64"].includes(tag(view, 0)) || tag(view, 8) !== "WAVE") {
    throw new Error("This is no WAV file.");
  }
  let format = null;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const name = tag(view, at);
    const size = view.getUint32(at + 4, true);
    if (name === "fmt ") format = readFormat(view, at + 8);
    if (name === "data") {
      if (format === null) break;
      const there = view.byteLength - at - 8;
      // RF64 has the true size elsewhere; sound is last in what we read.
      return readSamples(view, at + 8, size === UNKNOWN_SIZE ? there : Math.min(size, there), format);
    }
    at += 8 + size + (size % 2);
  }
  throw new Error("This WAV file holds no sound.");
}

const tag = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((byte) => view.getUint8(at + byte)));

function readFormat(view, at) {
  let code = view.getUint16(at, true);
  // The first two bytes of the long name of an extensible format are the short one.
  if (code === EXTENSIBLE) code = view.getUint16(at + 24, true);
  return {
    code,
    channels: view.getUint16(at + 2, true),
    rateHz: view.getUint32(at + 4, true),
    bytes: view.getUint16(at + 14, true) / 8,
  };
}

function reader(view, { code, bytes }) {
  if (code === FLOAT && bytes === 4) return (at) => view.getFloat32(at, true);
  if (code === FLOAT && bytes === 8) return (at) => view.getFloat64(at, true);
  if (code !== INTEGER) throw new Error("This WAV file is compressed.");
  if (bytes === 1) return (at) => (view.getUint8(at) - 128) / 128;
  if (bytes === 2) return (at) => view.getInt16(at, true) / 2 ** 15;
  if (bytes === 3) return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23;
  if (bytes === 4) return (at) => view.getInt32(at, true) / 2 ** 31;
  throw new Error(`This WAV file has samples of ${8 * bytes} bits.`);
}

function readSamples(view, start, size, format) {
  const read = reader(view, format);
  const step = format.bytes * format.channels;
  const length = Math.floor(size / step);
  const channels = Array.from({ length: format.channels }, () => new Float32Array(length));
  channels.forEach((samples, channel) => {
    let at = start + channel * format.bytes;
    for (let time = 0; time < length; time++, at += step) samples[time] = read(at);
  });
  return { rateHz: format.rateHz, channels };
}

/** As an AudioBuffer, which plays at its own rate. */
export function toBuffer({ rateHz, channels }) {
  const length = Math.max(1, channels[0].length);
  const buffer = new AudioBuffer({ length, numberOfChannels: channels.length, sampleRate: rateHz });
  channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
  return buffer;
}
