// A head in a first-order sound field: W, Y, Z, X go in, left and right ear come out.
//
// Turning the head turns the field the other way, which is a matrix of nine gains. Gains work everywhere, also where
// browsers allow no audio worklets because a page came from another machine without encryption.

// Gains glide, so that turning does not click.
const GLIDE_S = 0.015;

/**
 * What x, y and z of the field are for a head that is turned: rows x, y, z.
 * Turning left and looking up are positive; as in salm.audio.rotate, transposed.
 */
export function headMatrix(turnDeg, lookDeg) {
  const [turn, look] = [turnDeg, lookDeg].map((degrees) => (degrees * Math.PI) / 180);
  const [ct, st, cl, sl] = [Math.cos(turn), Math.sin(turn), Math.cos(look), Math.sin(look)];
  return [
    [ct * cl, st * cl, sl],
    [-st, ct, 0],
    [-ct * sl, -st * sl, cl],
  ];
}

export class Ears {
  /** On an AudioContext, with what /api/head tells for its rate. */
  constructor(context, head) {
    this.context = context;
    this.input = new GainNode(context, {
      channelCount: 4,
      channelCountMode: "explicit",
      channelInterpretation: "discrete",
    });
    this.output = new GainNode(context);
    this.#wire(head);
    this.turn(0, 0);
  }

  /** Turn to the left and look up, in degrees. */
  turn(turnDeg, lookDeg) {
    headMatrix(turnDeg, lookDeg).forEach((row, to) =>
      row.forEach((value, from) => glide(this.context, this.gains[to][from].gain, value)),
    );
  }

  #wire(head) {
    const context = this.context;
    const split = new ChannelSplitterNode(context, { numberOfOutputs: 4 });
    this.input.connect(split);
    const filters = head.left.map((taps) => {
      const buffer = new AudioBuffer({ length: taps.length, numberOfChannels: 1, sampleRate: head.rate_hz });
      buffer.copyToChannel(Float32Array.from(taps), 0);
      return new ConvolverNode(context, { buffer, disableNormalization: true });
    });
    const [w, y, z, x] = filters;
    split.connect(w, 0);
    const inputs = [3, 1, 2]; // of x, y, z
    this.gains = [x, y, z].map((filter) =>
      inputs.map((channel) => {
        const gain = new GainNode(context, { gain: 0 });
        split.connect(gain, channel);
        gain.connect(filter);
        return gain;
      }),
    );
    const merge = new ChannelMergerNode(context, { numberOfInputs: 2 });
    const opposite = new GainNode(context, { gain: -1 });
    for (const filter of [w, z, x]) {
      filter.connect(merge, 0, 0);
      filter.connect(merge, 0, 1);
    }
    y.connect(merge, 0, 0);
    y.connect(opposite).connect(merge, 0, 1);
    merge.connect(this.output);
  }
}

/** Let a gain go to a value; at once while nothing plays yet. */
export function glide(context, parameter, value) {
  if (context.currentTime === 0) parameter.value = value;
  else parameter.setTargetAtTime(value, context.currentTime, GLIDE_S);
}
