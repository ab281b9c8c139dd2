// Menus are <details class="menu">: they open without scripts. This adds closing, arrow keys and loading on opening.
import htmx from "htmx.org";
import { all, find, on } from "./dom";

const OPEN = "details.menu[open]";

document.addEventListener("click", (event) => {
  for (const menu of all<HTMLDetailsElement>(OPEN)) {
    if (!menu.contains(event.target as Node)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = all<HTMLDetailsElement>(OPEN).at(-1);
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
});

on("keydown", "details.menu", (event, menu) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if ((event.target as Element).matches("input, textarea, select")) return;
  event.preventDefault();
  (menu as HTMLDetailsElement).open = true;
  const items = all(".menu-item", menu).filter((item) => item.checkVisibility());
  const step = event.key === "ArrowDown" ? 1 : -1;
  const here = items.indexOf(document.activeElement as HTMLElement);
  items.at((here + step) % items.length)?.focus();
});

// "toggle" does not bubble, so it is caught on its way down.
document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target as HTMLDetailsElement;
    if (!menu.open || !menu.matches("details.menu")) return;
    fit(menu);
    find("input:not([type=hidden], [type=checkbox], [type=radio])", menu)?.focus();
    if (menu.dataset.load) htmx.trigger(menu.dataset.load, "load-now", {});
  },
  true,
);

/** Open towards the side with more room where the menu would run out of the window, and scroll in what there is. */
function fit(menu: HTMLDetailsElement): void {
  const panel = find(".menu-panel", menu);
  if (!panel) return;
  panel.classList.remove("is-above");
  panel.style.maxHeight = "";
  if (panel.getBoundingClientRect().bottom <= innerHeight) return;
  const { top, bottom } = menu.getBoundingClientRect();
  const [above, below] = [top, innerHeight - bottom];
  panel.classList.toggle("is-above", above > below);
  panel.style.maxHeight = `min(32rem, ${Math.max(above, below) - 16}px)`;
}
