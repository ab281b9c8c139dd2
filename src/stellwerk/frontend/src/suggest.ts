// Suggestions while typing: [data-suggest] says where they come from; they go into the input's data list or the .found beside it.
import { find, later, on } from "./dom";

const asked = new WeakMap<HTMLInputElement, AbortController>();

on("focusin", "[data-suggest]", (_event, input) => {
  if (!asked.has(input as HTMLInputElement)) void suggest(input as HTMLInputElement);
});
on("input", "[data-suggest]", later(150, (_event, input) => void suggest(input as HTMLInputElement)));

async function suggest(input: HTMLInputElement): Promise<void> {
  asked.get(input)?.abort();
  const asking = new AbortController();
  asked.set(input, asking);
  const url = new URL(input.dataset.suggest!, location.href);
  url.searchParams.set("q", input.value);
  try {
    const answer = await fetch(url, { signal: asking.signal });
    if (answer.ok) place(input)!.innerHTML = await answer.text();
  } catch {
    // Who types on or leaves the page no longer waits for these.
  }
}

function place(input: HTMLInputElement): HTMLElement | null {
  return input.list ?? find(".found", input.parentElement!);
}
