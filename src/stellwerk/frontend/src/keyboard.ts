// Single keys: j k x Enter in lists, j k r n on a record, / and ? everywhere. They can be switched off in the help (WCAG 2.1.4).
import { all, find, isTyping, on } from "./dom";
import { toggleRow } from "./selection";
import { walk } from "./walk";

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
  j: () => walk(1) || moveTo(current() + 1),
  k: () => walk(-1) || moveTo(current() - 1),
  x: () => toggleRow(rows()[current()]),
  "/": () => (find("[data-list-search]") ?? find(".portal-search input, .searchbox input"))?.focus(),
  "?": openKeys,
  r: () => write("reply"),
  n: () => write("note"),
};

function openKeys(): void {
  find<HTMLDialogElement>("#keys")?.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]") || !enabled()) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
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
