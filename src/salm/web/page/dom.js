// Small tools for the page's elements.

import { Refused } from "./api.js";

export const $ = (id) => document.getElementById(id);

/** An element with attributes (null ones are left out), and children: elements or text. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/**
 * A form that does something that takes a while: its button waits, what goes wrong stands below it, and in place of the
 * answer to what was asked before.
 */
export function onSubmit(form, work) {
  const button = form.querySelector("button[type=submit]");
  const problem = form.querySelector(".problem");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    button.setAttribute("aria-disabled", "true");
    const done = await guarded(problem, () => work(new FormData(form)));
    if (!done) form.querySelectorAll("[data-answer]").forEach((answer) => answer.replaceChildren());
    form.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
  });
}

/** Do something and say in one line if it does not work; whether it did. */
export async function guarded(problem, work) {
  problem.textContent = "";
  try {
    await work();
    return true;
  } catch (error) {
    problem.textContent = error.message;
    if (!(error instanceof Refused)) console.error(error);
    return false;
  }
}
