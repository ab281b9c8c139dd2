// Naming people: @ and the beginning of a name, in a composer, offers those who will be able to read it.
import { all, find, later, on, message } from "./dom";
import { tellSignedOut } from "./signed-out";

const BEGUN = /(?:^|[^\p{L}\p{N}_@.+-])@([\p{L}\p{N}_][\p{L}\p{N}_.+-]{0,59}(?:@[\p{L}\p{N}_.-]{0,60})?)$/u;
const LIST = "mentions";
let asked: AbortController | null = null;

function begun(text: HTMLTextAreaElement): string {
  if (text.selectionStart !== text.selectionEnd) return "";
  return BEGUN.exec(text.value.slice(0, text.selectionStart))?.[1] ?? "";
}

const askSoon = later(120, (text: HTMLTextAreaElement) => void ask(text));

async function ask(text: HTMLTextAreaElement): Promise<void> {
  asked?.abort();
  const name = begun(text);
  if (!name || document.activeElement !== text) return close(text);
  asked = new AbortController();
  const kind = String(new FormData(text.form!).get("kind") ?? "reply");
  try {
    const answer = await fetch(`${text.dataset.mentionsUrl}?${new URLSearchParams({ q: name, kind })}`, {
      headers: { "HX-Request": "true" },
      signal: asked.signal,
    });
    if (answer.status === 401) tellSignedOut();
    if (answer.ok) show(text, await answer.text());
    else close(text);
  } catch (error) {
    if ((error as Error).name !== "AbortError") close(text);
  }
}

function show(text: HTMLTextAreaElement, options: string): void {
  const list = find(`#${LIST}`) ?? made(text);
  list.innerHTML = options;
  const found = all("[role=option]", list);
  found.forEach((option, index) => (option.id = `mention-${index}`));
  if (!found.length) return close(text);
  list.hidden = false;
  list.nextElementSibling!.textContent = message("mentions", { n: String(found.length) });
  choose(text, 0);
}

function made(text: HTMLTextAreaElement): HTMLElement {
  const list = document.createElement("ul");
  list.id = LIST;
  list.className = "mentions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", message("mention"));
  const state = document.createElement("span");
  state.className = "visually-hidden";
  state.setAttribute("role", "status");
  text.after(list, state);
  text.setAttribute("aria-controls", LIST);
  return list;
}

function close(text: HTMLTextAreaElement): void {
  asked?.abort();
  const list = find(`#${LIST}`);
  list?.replaceChildren();
  list?.nextElementSibling?.replaceChildren();
  if (list) list.hidden = true;
  text.removeAttribute("aria-activedescendant");
}

function options(): HTMLElement[] {
  return all(`#${LIST} [role=option]`);
}

function chosen(): number {
  return options().findIndex((option) => option.getAttribute("aria-selected") === "true");
}

function choose(text: HTMLTextAreaElement, index: number): void {
  const list = options();
  const at = (index + list.length) % list.length;
  list.forEach((option, other) => option.setAttribute("aria-selected", String(other === at)));
  list[at]!.scrollIntoView({ block: "nearest" });
  text.setAttribute("aria-activedescendant", list[at]!.id);
}

function pick(text: HTMLTextAreaElement, option: HTMLElement | undefined): void {
  if (!option) return;
  const end = text.selectionStart;
  text.setRangeText(`${option.dataset.username} `, end - begun(text).length, end, "end");
  close(text);
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

const KEYS: Record<string, (text: HTMLTextAreaElement) => void> = {
  ArrowDown: (text) => choose(text, chosen() + 1),
  ArrowUp: (text) => choose(text, chosen() - 1),
  Enter: (text) => pick(text, options()[chosen()]),
  Tab: (text) => pick(text, options()[chosen()]),
  Escape: close,
};

on("input", "[data-mentions-url]", (_event, text) => askSoon(text as HTMLTextAreaElement));
on("focusout", "[data-mentions-url]", (_event, text) => close(text as HTMLTextAreaElement));
on("keydown", "[data-mentions-url]", (event, text) => {
  const act = KEYS[event.key];
  if (!act || !options().length || event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  act(text as HTMLTextAreaElement);
});
// The pointer goes down before the text loses the focus.
on("mousedown", `#${LIST} [role=option]`, (event, option) => {
  event.preventDefault();
  const text = find<HTMLTextAreaElement>("[data-mentions-url]");
  if (text) pick(text, option);
});
