// Picking a record: an input with [data-suggest] and a data list becomes a combobox with names and a line about each.
// Without scripts the data list stays.
import { all, find, later, on, message } from "./dom";
import { tellSignedOut } from "./signed-out";

const KEPT = 5;
const pickers = new WeakMap<HTMLInputElement, Picker>();
let number = 0;

class Picker {
  private readonly list = document.createElement("ul");
  private readonly state = document.createElement("span");
  private asking: AbortController | null = null;

  constructor(private readonly input: HTMLInputElement) {
    this.list.id = `picker-${++number}`;
    this.list.className = "picker";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", message("suggestions"));
    this.state.className = "visually-hidden";
    this.state.setAttribute("role", "status");
    input.removeAttribute("list"); // the browser's own suggestions would lie over these
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    })) input.setAttribute(name, value);
    input.after(this.list, this.state);
  }

  async ask(typed: boolean): Promise<void> {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const url = new URL(this.input.dataset.suggest!, location.href);
    // What stands there already is no search: whoever comes to the field sees what they picked lately, and the first ones.
    url.searchParams.set("q", typed ? this.input.value : "");
    url.searchParams.set("as", "list");
    for (const reference of recent(url.pathname)) url.searchParams.append("recent", reference);
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal: asking.signal });
      if (answer.status === 401) tellSignedOut();
      if (answer.ok && document.activeElement === this.input) this.show(await answer.text(), typed);
    } catch {
      // Who types on or leaves the page no longer waits for these.
    }
  }

  private show(html: string, typed: boolean): void {
    this.list.innerHTML = html;
    const found = this.options();
    if (typed && found.length === 1 && this.isNamedBy(found[0]!)) return this.close();
    found.forEach((option, index) => (option.id = `${this.list.id}-${index}`));
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.state.textContent = message("found", { n: String(found.length) });
    // Enter takes the one that is left; of several, only one that was chosen.
    this.choose(typed && found.length === 1 ? 0 : -1);
  }

  /** Whether nothing is left to pick, because its reference, or all that it is shown as, was typed. */
  private isNamedBy(option: HTMLElement): boolean {
    const typed = this.input.value.trim().toLowerCase();
    return [option.dataset.reference, option.dataset.value].some((name) => name!.toLowerCase() === typed);
  }

  close(): void {
    this.asking?.abort();
    this.list.hidden = true;
    this.list.replaceChildren();
    this.state.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  get isOpen(): boolean {
    return !this.list.hidden;
  }

  move(by: number): void {
    const found = this.options();
    if (!found.length) return void this.ask(false);
    const at = found.findIndex((option) => option.ariaSelected === "true");
    this.choose(at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length);
  }

  /** Take the option that is chosen; false when none is. */
  take(option = this.options().find((each) => each.ariaSelected === "true")): boolean {
    if (!option) return false;
    this.input.value = option.dataset.value!;
    remember(new URL(this.input.dataset.suggest!, location.href).pathname, option.dataset.reference!);
    this.close();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  private choose(index: number): void {
    this.options().forEach((option, other) => option.setAttribute("aria-selected", String(other === index)));
    const chosen = this.options()[index];
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) this.input.setAttribute("aria-activedescendant", chosen.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private options(): HTMLElement[] {
    return all("[role=option]", this.list);
  }
}

function picker(element: HTMLElement): Picker {
  const input = element as HTMLInputElement;
  let known = pickers.get(input);
  if (!known) pickers.set(input, (known = new Picker(input)));
  return known;
}

// What was picked lately comes first, on this device: a list of references for each place that suggests.
function recent(place: string): string[] {
  try {
    return JSON.parse(localStorage.getItem(`picked:${place}`) ?? "[]") as string[];
  } catch {
    return [];
  }
}

function remember(place: string, reference: string): void {
  try {
    const kept = [reference, ...recent(place).filter((other) => other !== reference)].slice(0, KEPT);
    localStorage.setItem(`picked:${place}`, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing shows the first ones instead.
  }
}

const PICKED = "input[data-suggest][list], input[data-suggest][role=combobox]";
const askSoon = later(120, (input: HTMLElement) => void picker(input).ask(true));

on("focusin", PICKED, (_event, input) => {
  void picker(input).ask(false);
  (input as HTMLInputElement).select();
});
on("focusout", PICKED, (_event, input) => picker(input).close());
on("input", PICKED, (_event, input) => askSoon(input));
on("keydown", PICKED, (event, input) => {
  if (event.isComposing) return;
  const its = picker(input);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    its.move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && its.isOpen && its.take()) {
    event.preventDefault();
  } else if (event.key === "Escape" && its.isOpen) {
    event.preventDefault();
    event.stopPropagation(); // the dialog around it stays
    its.close();
  }
});
// The pointer goes down before the input loses the focus.
on("mousedown", ".picker [role=option]", (event, option) => {
  event.preventDefault();
  const input = find<HTMLInputElement>(`[aria-controls="${option.parentElement!.id}"]`);
  if (input) picker(input).take(option);
});
