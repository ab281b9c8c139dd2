// Single keys: j k x Enter in lists, j k r n on a record, / and ? everywhere. They can be switched off in the help (WCAG 2.1.4).
import { all, find, isTyping, on } from "./dom";
import { toggleRow } from "./selection";
import { goTo } from "./record-navigation";

const SWITCH = "stellwerk-single-keys";

function enabled(): boolean {
  return localStorage.getItem(SWITCH) !== "off";
}

function rows(): HTMLElement[] {
  return all("[data-list] tbody tr[data-url], .work-row");
}

function current(): number {
  return rows().findIndex((row) => row.classList.contains("is-current"));
}

function moveTo(index: number): void {
  const list = rows();
  const row = list[Math.max(0, Math.min(index, list.length - 1))];
  if (!row) return;
  list.forEach((other) => other.classList.toggle("is-current", other === row));
  row.querySelector<HTMLElement>(".col-title a, .work-title, a")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function write(kind: string): void {
  const form = find("[data-composer]");
  if (!form) return;
  find<HTMLInputElement>(`input[name=kind][value=${kind}]`, form)?.click();
  find("textarea", form)?.focus();
}

const KEYS: Record<string, () => unknown> = {
  j: () => goTo(1) || moveTo(current() + 1),
  k: () => goTo(-1) || moveTo(current() - 1),
  x: () => toggleRow(rows()[current()]),
  "/": () => (find("[data-list-search]") ?? find(".portal-search input, .searchbox input"))?.focus(),
  "?": openKeys,
  r: () => write("reply"),
  n: () => write("note"),
};

function openKeys(): void {
  find<HTMLDialogElement>("#keys")?.showModal();
}

// A letter that means nothing here begins a word: the letters right after it are no commands either.
const WORD = 700; // ms
let strayed = -WORD;

function press(key: string): boolean {
  if (document.querySelector("dialog[open]") || !enabled()) return false;
  const act = KEYS[key];
  const inWord = performance.now() - strayed < WORD;
  if (key.length === 1 && (!act || inWord)) strayed = performance.now();
  if (!act || inWord) return false;
  act();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (press(event.key)) event.preventDefault();
});

// What was typed before the page listened happens now, in its order.
function replay(keys: string[]): void {
  for (const key of keys) {
    const field = document.activeElement;
    if (field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && isTyping(field))) enter(field, key);
    else if (key === "Enter" && field instanceof HTMLElement && field !== document.body) field.click();
    else press(key);
  }
}

function enter(field: HTMLTextAreaElement | HTMLInputElement, key: string): void {
  if (key === "Ctrl+Enter" || (key === "Enter" && field instanceof HTMLInputElement)) return field.form?.requestSubmit();
  const [start, end] = [field.selectionStart ?? 0, field.selectionEnd ?? 0];
  if (key === "Backspace") field.setRangeText("", start === end ? Math.max(0, start - 1) : start, end, "end");
  else field.setRangeText(key === "Enter" ? "\n" : key, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// Modules run in their order, and those after this one listen, too, before anything is replayed.
window.setTimeout(() => replay(window.heldKeys?.release() ?? []));

// On the way to another page keys are meant for that one; where the page stays (a download), they happen after all.
const STAYED = 3_000; // ms
window.addEventListener("beforeunload", () => {
  window.heldKeys?.hold();
  window.setTimeout(() => replay(window.heldKeys?.release() ?? []), STAYED);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) replay(window.heldKeys?.release() ?? []);
});

on("click", "[data-keys-open]", openKeys);
on("change", "[data-keys-switch]", (_event, box) => {
  localStorage.setItem(SWITCH, (box as HTMLInputElement).checked ? "on" : "off");
});
all<HTMLInputElement>("[data-keys-switch]").forEach((box) => (box.checked = enabled()));

// A click anywhere in a row opens it, unless it hit something of its own or text is being marked.
on("click", "tr[data-url]", (event, row) => {
  if ((event.target as Element).closest("a, button, input, label, select") || getSelection()?.toString()) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.url!, "_blank");
  else location.href = row.dataset.url!;
});
