// Boxes to tick, or items of a menu, that follow what is typed: [data-suggest] says where they come from; they go into the .found beside the input.
import { find, later, on } from "./dom";
import { tellSignedOut } from "./signed-out";

const asked = new WeakMap<HTMLInputElement, AbortController>();

const BOXES = "[data-suggest]:not([list], [role=combobox])"; // those are a picker's

on("focusin", BOXES, (_event, input) => {
  if (!asked.has(input as HTMLInputElement)) void suggest(input as HTMLInputElement);
});
on("input", BOXES, later(150, (_event, input) => void suggest(input as HTMLInputElement)));

async function suggest(input: HTMLInputElement): Promise<void> {
  asked.get(input)?.abort();
  const asking = new AbortController();
  asked.set(input, asking);
  const url = new URL(input.dataset.suggest!, location.href);
  url.searchParams.set("q", input.value);
  try {
    const answer = await fetch(url, { signal: asking.signal });
    if (answer.status === 401) tellSignedOut();
    if (answer.ok) find(".found", input.parentElement!)!.innerHTML = await answer.text();
  } catch {
    // Who types on or leaves the page no longer waits for these.
  }
}
