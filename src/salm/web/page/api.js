// Talking to the server. Whatever goes wrong becomes one friendly line.

export class Refused extends Error {}

/** The JSON answer to a form; lists are sent as repeated fields, what is null or empty is left out. */
export async function ask(path, fields = {}, options = {}) {
  return (await request(path, { method: "POST", body: form(fields), ...options })).json();
}

export async function look(path, options = {}) {
  return (await request(path, options)).json();
}

/** The bytes of a sound. */
export async function fetchSound(path, fields = null) {
  const options = fields === null ? {} : { method: "POST", body: form(fields) };
  return (await request(path, options)).arrayBuffer();
}

function form(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== "") body.append(name, one);
    }
  }
  return body;
}

async function request(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is salm serve still running?");
  }
  if (answer.ok) return answer;
  let text = `The server answered with status ${answer.status}.`;
  try {
    text = sentence((await answer.json()).error);
  } catch {
    // Not JSON: the status has to do.
  }
  throw new Refused(text);
}

// A capital for a word, none for the name of a file.
const sentence = (text) => text.replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());
