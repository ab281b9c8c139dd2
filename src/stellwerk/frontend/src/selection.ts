// Selecting rows of a list, and the bar that acts on them. Without scripts the bar is simply there.
import { all, find, on, message } from "./dom";

const ROW_BOX = "input[name=selected]";
let last: HTMLInputElement | null = null;

function boxes(): HTMLInputElement[] {
  return all<HTMLInputElement>(ROW_BOX);
}

export function toggleRow(row: HTMLElement | undefined): void {
  row?.querySelector<HTMLInputElement>(ROW_BOX)?.click();
}

function refresh(): void {
  const list = boxes();
  const selected = list.filter((box) => box.checked);
  list.forEach((box) => box.closest("tr")?.classList.toggle("is-selected", box.checked));
  find("[data-bulk-bar]")?.classList.toggle("is-on", selected.length > 0);
  const label = find("[data-selected]");
  if (label) label.textContent = message("selected", { n: String(selected.length) });
  const every = find<HTMLInputElement>("[data-select-all]");
  if (!every) return;
  every.checked = selected.length > 0 && selected.length === list.length;
  every.indeterminate = selected.length > 0 && selected.length < list.length;
}

function setAll(checked: boolean): void {
  boxes().forEach((box) => (box.checked = checked));
  refresh();
}

on("click", ROW_BOX, (event, element) => {
  const box = element as HTMLInputElement;
  const list = boxes();
  if (event.shiftKey && last) {
    const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    list.slice(from, to! + 1).forEach((other) => (other.checked = box.checked));
  }
  last = box;
  refresh();
});
on("change", "[data-select-all]", (_event, box) => setAll((box as HTMLInputElement).checked));
on("click", "[data-select-none]", () => setAll(false));
window.addEventListener("pageshow", refresh);
document.addEventListener("htmx:afterSettle", refresh);
