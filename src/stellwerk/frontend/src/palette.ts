// The command palette: Ctrl/Cmd-K, type, choose with the arrows, Enter.
import { all, find, later, on } from "./dom";
import { tellSignedOut } from "./signed-out";

const dialog = find<HTMLDialogElement>("#palette");
const input = dialog && find<HTMLInputElement>(".palette-input", dialog);
const results = find("#palette-results");
let asked: AbortController | null = null;

export function openPalette(): void {
  if (!dialog || !input || dialog.open) return;
  input.value = "";
  dialog.showModal();
  input.focus();
  void ask();
}

async function ask(): Promise<void> {
  asked?.abort();
  asked = new AbortController();
  const query = new URLSearchParams({ q: input!.value, here: location.pathname });
  try {
    const answer = await fetch(`${dialog!.dataset.url}?${query}`, {
      headers: { "HX-Request": "true" },
      signal: asked.signal,
    });
    if (answer.status === 401) {
      dialog!.close();
      return tellSignedOut();
    }
    if (!answer.ok) return;
    results!.innerHTML = await answer.text();
    numberOptions();
    choose(0);
  } catch (error) {
    if ((error as Error).name !== "AbortError") results!.replaceChildren();
  }
}

function options(): HTMLElement[] {
  return all("[role=option]", results!);
}

function numberOptions(): void {
  options().forEach((option, index) => (option.id = `palette-option-${index}`));
}

function chosen(): number {
  return options().findIndex((option) => option.getAttribute("aria-selected") === "true");
}

function choose(index: number): void {
  const list = options();
  list.forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
  const option = list[index];
  option?.scrollIntoView({ block: "nearest" });
  if (option) input!.setAttribute("aria-activedescendant", option.id);
  else input!.removeAttribute("aria-activedescendant");
}

function move(step: number): void {
  const total = options().length;
  if (total) choose((chosen() + step + total) % total);
}

function run(): void {
  const option = options()[chosen()];
  if (option) option.click();
  else if (input!.value.trim()) location.href = `${searchAddress()}?${new URLSearchParams({ q: input!.value })}`;
}

function searchAddress(): string {
  return find<HTMLFormElement>("form[role=search]")?.action ?? "/search/";
}

const KEYS: Record<string, () => void> = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Enter: run,
};

if (dialog && input && results) {
  input.addEventListener("input", later(120, () => void ask()));
  input.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.isComposing) return;
    event.preventDefault();
    act();
  });
  on("click", "[data-palette-open]", openPalette);
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
  if (navigator.platform.startsWith("Mac")) all("[data-palette-open] kbd").forEach((key) => (key.textContent = "⌘ K"));
}
